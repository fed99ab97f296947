import { PathNotFoundError } from "../../errors.ts";
import { type EmptyFolders, hasTemporaryFiles } from "../../storage/abilities.ts";
import type { StorageDriver } from "../../storage/driver.ts";

/**
 * Removes a folder if nothing is in it but temporary files of writers that are dead.
 *
 * @param temporaryBeforeMs - a temporary file that was last written before has no writer any more
 * @returns false if it stays, or is not there
 */
export async function removeEmptyFolder(
  driver: StorageDriver & EmptyFolders,
  folder: string,
  temporaryBeforeMs: number,
): Promise<boolean> {
  if (await driver.removeFolder(folder)) return true;
  if (!hasTemporaryFiles(driver) || !(await looksEmpty(driver, folder))) return false;
  if ((await driver.sweepTemporaryFiles(folder, temporaryBeforeMs)) === 0) return false;
  return driver.removeFolder(folder);
}

/** Removes folders above a file from below, as {@link removeEmptyFolder}, until one stays. */
export async function removeFoldersAbove(
  driver: StorageDriver & EmptyFolders,
  path: string,
  count: number,
  temporaryBeforeMs: number,
): Promise<void> {
  let folder = path;
  for (let left = count; left > 0; left--) {
    folder = folder.slice(0, folder.lastIndexOf("/"));
    if (!(await removeEmptyFolder(driver, folder, temporaryBeforeMs))) return;
  }
}

async function looksEmpty(driver: StorageDriver, folder: string): Promise<boolean> {
  try {
    return (await driver.list(folder)).length === 0;
  } catch (error) {
    if (error instanceof PathNotFoundError) return false;
    throw error;
  }
}
