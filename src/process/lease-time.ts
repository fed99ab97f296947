import { isRemote } from "../registry/remote-store.ts";
import type { StorageDriver } from "../storage/driver.ts";

/**
 * What is leased before a link to it is written stays for so long at the least: storing a manifest with its tags may
 * take as long as an object store lets us try again, and after the last attempt it may still carry one out for
 * `UNDECIDED_MS`.
 */
const LEAST_REMOTE_MS = 3_600_000;

/**
 * @param reviewAfterMs - `gc.reviewafter`
 * @returns how long leases hold. On object stores never shorter than a link may come late: one that came after a
 *   collection would lead to what that has removed
 */
export function leaseTimeMs(reviewAfterMs: number, driver: StorageDriver): number {
  return isRemote(driver) ? Math.max(reviewAfterMs, LEAST_REMOTE_MS) : reviewAfterMs;
}
