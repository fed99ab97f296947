import { hasSmallReads } from "../storage/abilities.ts";
import type { StorageDriver } from "../storage/driver.ts";

/*
 * On an object store each look at a file is a request, which takes long and costs little: what would be a loop on a
 * disk is asked for together, or taken from a listing.
 */

/** So many small files are worked on at a time where each is a request. */
const REQUESTS_AT_ONCE = 64;
/** The same on a disk, where no threads do it. */
const FILES_AT_ONCE = 16;

/** Tells whether reading a small file, or looking at one, takes a request to somewhere else. */
export function isRemote(driver: StorageDriver): boolean {
  return !hasSmallReads(driver);
}

/** @returns how many files a command works on at a time unless it was told otherwise */
export function usualConcurrency(driver: StorageDriver): number {
  return isRemote(driver) ? REQUESTS_AT_ONCE : FILES_AT_ONCE;
}
