import { PathNotFoundError } from "../../errors.ts";
import { type EmptyFolders, hasEmptyFolders } from "../../storage/abilities.ts";
import type { StorageDriver } from "../../storage/driver.ts";
import { manifestsPath, REPOSITORIES_ROOT, repositoryPath, revisionsPath, tagsPath } from "../paths.ts";

/**
 * Removes the folders of a repository that has no manifest and no tag, so that it leaves the catalog, and the folders
 * above it that are empty then. Only empty folders go, each by its exact path; where a file is left, its folders stay.
 * `tags` goes after `revisions`: the Go registry's collector skips a repository that has revisions but no `tags`.
 *
 * @returns true if the repository is in no catalog any more
 */
export async function removeEmptyRepository(driver: StorageDriver, repository: string): Promise<boolean> {
  if (!hasEmptyFolders(driver)) return true;
  const folder = repositoryPath(repository);
  const isGone =
    (await removeFolderTree(driver, revisionsPath(repository))) &&
    (await removeFolderTree(driver, tagsPath(repository))) &&
    (await removeFolderTree(driver, manifestsPath(repository)));
  if (!isGone) return false;
  await removeFolderTree(driver, `${folder}/_layers`);
  await removeFolderTree(driver, `${folder}/_uploads`);
  for (
    let path = folder;
    path.length > REPOSITORIES_ROOT.length;
    path = path.slice(0, path.lastIndexOf("/"))
  ) {
    if (!(await driver.removeFolder(path))) break;
  }
  return true;
}

/** @returns true if the folder is not there any more */
async function removeFolderTree(driver: StorageDriver & EmptyFolders, path: string): Promise<boolean> {
  try {
    for (const child of await driver.list(path)) {
      if (!child.isFolder || !(await removeFolderTree(driver, child.path))) return false;
    }
    return await driver.removeFolder(path);
  } catch (error) {
    if (error instanceof PathNotFoundError) return true;
    throw error;
  }
}
