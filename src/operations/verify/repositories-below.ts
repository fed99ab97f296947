import { MAX_REPOSITORY_NAME_LENGTH } from "../../oci/reference.ts";
import { lastSegment, subfolderNamesIfAny } from "../../registry/list-folder.ts";
import { REPOSITORIES_ROOT, repositoryPath } from "../../registry/paths.ts";
import type { RepositoryEntries } from "../../registry/scan/repository-entries.ts";
import { type RepositoryScanOptions, scanRepository } from "../../registry/scan/scan-repositories.ts";
import { hasNameListing, hasSmallReads } from "../../storage/abilities.ts";
import type { FileInfo, StorageDriver } from "../../storage/driver.ts";

/** Scans a repository and those below it, one in memory at a time. */
export async function* scanRepositoriesBelow(
  driver: StorageDriver,
  name: string,
  options: RepositoryScanOptions,
): AsyncGenerator<RepositoryEntries> {
  // A symbolic link that leads back would go on for ever.
  if (name.length > MAX_REPOSITORY_NAME_LENGTH) return;
  let children: FileInfo[];
  try {
    children = await driver.list(repositoryPath(name));
  } catch (error) {
    options.onFailure({ path: repositoryPath(name), error });
    return;
  }
  const ownFolders = children.filter((child) => child.isFolder && isOwn(child.path));
  const files = children.filter((child) => !child.isFolder);
  const parts = ownFolders.map(({ path }) => lastSegment(path));
  const ownFiles = files.filter(({ path }) => isOwn(path)).map(({ path }) => path);
  for (const { path } of files) if (!isOwn(path)) options.onStray(path);
  const entries = await scanRepository(driver, { name, parts, files: ownFiles }, options);
  if (entries) yield entries;
  for (const { path, isFolder } of children) {
    if (!isFolder || isOwn(path)) continue;
    yield* scanRepositoriesBelow(driver, `${name}/${lastSegment(path)}`, options);
  }
}

/**
 * Counts the repositories without looking into them, for a display.
 *
 * @returns undefined where that costs a request for each, or fails
 */
export async function countRepositories(driver: StorageDriver): Promise<number | undefined> {
  if (!hasNameListing(driver) || !hasSmallReads(driver)) return undefined;
  let count = 0;
  const pending = [REPOSITORIES_ROOT];
  try {
    for (let folder = pending.pop(); folder !== undefined; folder = pending.pop()) {
      const names = await subfolderNamesIfAny(driver, folder);
      if (names.some((name) => name.startsWith("_"))) count++;
      if (folder.length > REPOSITORIES_ROOT.length + MAX_REPOSITORY_NAME_LENGTH) continue;
      for (const name of names) if (!name.startsWith("_")) pending.push(`${folder}/${name}`);
    }
  } catch {
    return undefined;
  }
  return count;
}

function isOwn(path: string): boolean {
  return lastSegment(path).startsWith("_");
}
