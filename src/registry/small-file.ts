import { PathNotFoundError } from "../errors.ts";
import { hasEmptyFolders, hasFileLookup, hasSmallReads } from "../storage/abilities.ts";
import type { StorageDriver } from "../storage/driver.ts";

/*
 * Links and manifests are small and read on every request, so they are read synchronously where the driver can: that
 * is four times as fast as the same reads with promises.
 */

/**
 * @param maxBytes - a larger file is not read
 * @returns the bytes of a small file, or undefined if there is none
 * @throws {FileTooLargeError}
 */
export async function readSmallFile(
  driver: StorageDriver,
  path: string,
  maxBytes?: number,
): Promise<Uint8Array | undefined> {
  if (hasSmallReads(driver)) return driver.getSync(path, maxBytes);
  try {
    return await driver.get(path, maxBytes);
  } catch (error) {
    if (error instanceof PathNotFoundError) return undefined;
    throw error;
  }
}

/** @returns the size of a file in bytes, or undefined if there is none */
export async function fileSizeBytes(driver: StorageDriver, path: string): Promise<number | undefined> {
  return (await statSmallFile(driver, path))?.sizeBytes;
}

/** @returns size and time of a file, or undefined if there is none */
export async function statSmallFile(
  driver: StorageDriver,
  path: string,
): Promise<{ sizeBytes: number; modifiedMs: number } | undefined> {
  if (hasSmallReads(driver)) return driver.statFileSync(path);
  if (hasFileLookup(driver)) return driver.statFile(path);
  try {
    const info = await driver.stat(path);
    return info.isFolder ? undefined : info;
  } catch (error) {
    if (error instanceof PathNotFoundError) return undefined;
    throw error;
  }
}

/** Removes a file; resolves with false if there was none. */
export async function deleteIfThere(driver: StorageDriver, path: string): Promise<boolean> {
  try {
    await driver.delete(path);
    return true;
  } catch (error) {
    if (error instanceof PathNotFoundError) return false;
    throw error;
  }
}

/** Removes a folder if it is empty and the store has such folders. */
export async function removeIfEmpty(driver: StorageDriver, path: string): Promise<void> {
  if (hasEmptyFolders(driver)) await driver.removeFolder(path);
}
