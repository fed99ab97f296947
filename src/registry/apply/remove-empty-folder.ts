import { PathNotFoundError } from "../../errors.ts";
import { type EmptyFolders, hasTemporaryFiles } from "../../storage/abilities.ts";
import type { StorageDriver } from "../../storage/driver.ts";
import { parentOf } from "../paths.ts";

/**
 * Removes a folder if nothing is in it but temporary files of writers that are dead.
 *
 * @param temporaryBeforeMs - a temporary file that was last written before has no writer any more
 * @returns true if it is not there any more, whoever has removed it
 */
export async function removeEmptyFolder(
  driver: StorageDriver & EmptyFolders,
  folder: string,
  temporaryBeforeMs: number,
): Promise<boolean> {
  if (await driver.removeFolder(folder)) return true;
  const children = await countChildren(driver, folder);
  if (children === undefined) return true;
  if (children > 0 || !hasTemporaryFiles(driver)) return false;
  if ((await driver.sweepTemporaryFiles(folder, temporaryBeforeMs)) === 0) return false;
  return driver.removeFolder(folder);
}

/**
 * Removes folders above a file from below, as {@link removeEmptyFolder}, until one stays. Those that are gone already
 * end nothing: a run may have been killed between two of them.
 */
export async function removeFoldersAbove(
  driver: StorageDriver & EmptyFolders,
  path: string,
  count: number,
  temporaryBeforeMs: number,
): Promise<void> {
  let folder = path;
  for (let left = count; left > 0; left--) {
    folder = parentOf(folder);
    if (!(await removeEmptyFolder(driver, folder, temporaryBeforeMs))) return;
  }
}

/** @returns undefined if there is no such folder */
async function countChildren(driver: StorageDriver, folder: string): Promise<number | undefined> {
  try {
    return (await driver.list(folder)).length;
  } catch (error) {
    if (error instanceof PathNotFoundError) return undefined;
    throw error;
  }
}
