import { PathNotFoundError } from "../errors.ts";
import { type BulkDelete, canDeleteMany, hasEmptyFolders } from "../storage/abilities.ts";
import type { StorageDriver } from "../storage/driver.ts";
import { isRemote } from "./remote-store.ts";
import { deleteIfThere } from "./small-file.ts";

/** A bulk delete of S3 takes so many. */
const FILES_AT_ONCE = 1000;

/**
 * Removes a folder with all files in it, each by its exact path, and then the folders that this emptied, itself
 * included. Files that somebody adds meanwhile stay, and so does what is around them. A missing folder is no error.
 */
export async function removeFolderExactly(driver: StorageDriver, path: string): Promise<void> {
  const folders = new Set([path]);
  if (isRemote(driver) && canDeleteMany(driver)) return removeTogether(driver, path);
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

/** Where each removal is a request: a thousand at a time. */
async function removeTogether(driver: StorageDriver & BulkDelete, path: string): Promise<void> {
  let batch: string[] = [];
  const removeBatch = async (): Promise<void> => {
    const [failure] = batch.length > 0 ? await driver.deleteMany(batch) : [];
    if (failure !== undefined) throw failure.error;
    batch = [];
  };
  try {
    for await (const file of driver.walk(path))
      if (batch.push(file.path) === FILES_AT_ONCE) await removeBatch();
  } catch (error) {
    if (!(error instanceof PathNotFoundError)) throw error;
  }
  await removeBatch();
}
