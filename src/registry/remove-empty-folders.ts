import { PathNotFoundError } from "../errors.ts";
import { type EmptyFolders, hasEmptyFolders } from "../storage/abilities.ts";
import type { StorageDriver } from "../storage/driver.ts";
import { subfolderNamesIfAny } from "./list-folder.ts";

/**
 * Removes a folder in which there are folders and no file, however deep: what is left of a repository from which all has
 * been deleted. Only what is empty at that moment goes.
 *
 * @returns false, with nothing done, if there is a file in it, no such folder, or the store has no folders
 */
export async function removeEmptyFolders(driver: StorageDriver, path: string): Promise<boolean> {
  if (!hasEmptyFolders(driver) || (await hasFile(driver, path))) return false;
  return removeBelow(driver, path);
}

/** Also if there is no such folder. */
async function hasFile(driver: StorageDriver, path: string): Promise<boolean> {
  try {
    for await (const _file of driver.walk(path)) return true;
    return false;
  } catch (error) {
    if (error instanceof PathNotFoundError) return true;
    throw error;
  }
}

async function removeBelow(driver: StorageDriver & EmptyFolders, path: string): Promise<boolean> {
  for (const name of await subfolderNamesIfAny(driver, path))
    if (!(await removeBelow(driver, `${path}/${name}`))) return false;
  return driver.removeFolder(path);
}
