import { PathNotFoundError } from "../errors.ts";
import { hasEmptyFolders } from "../storage/abilities.ts";
import type { StorageDriver } from "../storage/driver.ts";
import { deleteIfThere } from "./small-file.ts";

/**
 * Removes a folder with all files in it, each by its exact path, and then the folders that this emptied, itself
 * included. Files that somebody adds meanwhile stay, and so does what is around them. A missing folder is no error.
 */
export async function removeFolderExactly(driver: StorageDriver, path: string): Promise<void> {
  const folders = new Set([path]);
  try {
    for await (const { path: file } of driver.walk(path)) {
      for (let end = file.lastIndexOf("/"); end > path.length; end = file.lastIndexOf("/", end - 1)) {
        folders.add(file.slice(0, end));
      }
      await deleteIfThere(driver, file);
    }
  } catch (error) {
    if (!(error instanceof PathNotFoundError)) throw error;
  }
  if (!hasEmptyFolders(driver)) return;
  for (const folder of [...folders].sort((a, b) => b.length - a.length)) await driver.removeFolder(folder);
}
