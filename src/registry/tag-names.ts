import { PathNotFoundError } from "../errors.ts";
import { isTag } from "../oci/reference.ts";
import type { StorageDriver } from "../storage/driver.ts";
import { subfolderNames } from "./list-folder.ts";
import { tagsPath } from "./paths.ts";

/** A tag's history is listed with its link; where that becomes more than ten pages, each link is asked for instead. */
const MAX_KEYS = 10_000;
const CURRENT_LINK = /^([^/]+)\/current\/link$/;

/**
 * Names the folders of tags; what a crash left of a tag is among them.
 *
 * @returns in byte order, which is not the order of the listing: that has `a-b` before `a`
 * @throws {PathNotFoundError} if the repository has no folder of tags
 */
export async function tagFolders(driver: StorageDriver, repository: string): Promise<string[]> {
  const names = await subfolderNames(driver, tagsPath(repository));
  return names.filter(isTag).sort();
}

/**
 * Names the tags that have a current link by one listing of all files, which on an object store takes a request for a
 * thousand of them.
 *
 * @returns in byte order; undefined if there are too many files
 * @throws {PathNotFoundError} if the repository has no folder of tags
 */
export async function linkedTags(driver: StorageDriver, repository: string): Promise<string[] | undefined> {
  const folder = tagsPath(repository);
  const names: string[] = [];
  let keys = 0;
  for await (const { path } of driver.walk(folder)) {
    if (++keys > MAX_KEYS) return undefined;
    const name = CURRENT_LINK.exec(path.slice(folder.length + 1))?.[1];
    if (name !== undefined && isTag(name)) names.push(name);
  }
  // An object store may have nothing but a marker of the folder.
  if (keys === 0) throw new PathNotFoundError(driver.name, folder);
  return names.sort();
}
