import { PathNotFoundError } from "../../errors.ts";
import { type EmptyFolders, hasEmptyFolders } from "../../storage/abilities.ts";
import type { StorageDriver } from "../../storage/driver.ts";
import {
  manifestsPath,
  parentOf,
  REPOSITORIES_ROOT,
  repositoryPath,
  revisionsPath,
  tagsPath,
} from "../paths.ts";
import { removeEmptyFolder } from "./remove-empty-folder.ts";

/**
 * Removes the folders of a repository that has no manifest and no tag, so that it leaves the catalog, and the folders
 * above it that are empty then. Only empty folders go, each by its exact path; where a file is left, its folders stay.
 * Temporary files that were last written before `temporaryBeforeMs` are no files: their writers are dead.
 * `tags` goes after `revisions`: the Go registry's collector skips a repository that has revisions but no `tags`.
 *
 * @returns true if the repository is in no catalog any more
 */
export async function removeEmptyRepository(
  driver: StorageDriver,
  repository: string,
  temporaryBeforeMs: number,
): Promise<boolean> {
  if (!hasEmptyFolders(driver)) return true;
  const folder = repositoryPath(repository);
  const remove = (path: string): Promise<boolean> => removeFolderTree(driver, path, temporaryBeforeMs);
  const isGone =
    (await remove(revisionsPath(repository))) &&
    (await remove(tagsPath(repository))) &&
    (await remove(manifestsPath(repository)));
  if (!isGone) return false;
  await remove(`${folder}/_layers`);
  await remove(`${folder}/_uploads`);
  if (!(await removeEmptyFolder(driver, folder, temporaryBeforeMs))) return true;
  for (let path = parentOf(folder); path.length > REPOSITORIES_ROOT.length; path = parentOf(path)) {
    if (!(await driver.removeFolder(path)) && !(await isMissing(driver, path))) break;
  }
  return true;
}

/** Folders above a repository may have many children, so that they are not listed. */
async function isMissing(driver: StorageDriver, path: string): Promise<boolean> {
  try {
    await driver.stat(path);
    return false;
  } catch (error) {
    if (error instanceof PathNotFoundError) return true;
    throw error;
  }
}

/** @returns true if the folder is not there any more */
async function removeFolderTree(
  driver: StorageDriver & EmptyFolders,
  path: string,
  temporaryBeforeMs: number,
): Promise<boolean> {
  try {
    for (const child of await driver.list(path)) {
      if (!child.isFolder || !(await removeFolderTree(driver, child.path, temporaryBeforeMs))) return false;
    }
    return await removeEmptyFolder(driver, path, temporaryBeforeMs);
  } catch (error) {
    if (error instanceof PathNotFoundError) return true;
    throw error;
  }
}
