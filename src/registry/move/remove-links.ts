import { setImmediate } from "node:timers/promises";
import { forEachConcurrently } from "../../lib/for-each-concurrently.ts";
import {
  canDeleteMany,
  canSettleRemovals,
  type EmptyFolders,
  hasEmptyFolders,
  hasSynchronousFolders,
} from "../../storage/abilities.ts";
import type { StorageDriver } from "../../storage/driver.ts";
import { parentOf, REPOSITORIES_ROOT, repositoryPath } from "../paths.ts";
import { deleteIfThere } from "../small-file.ts";
import { LINK_STAGES, type RepositoryLinks } from "./repository-links.ts";

/** A bulk delete of S3 takes so many; on a disk the event loop gets its turn after so many. */
const FILES_AT_ONCE = 1000;
/** Folders that a repository has even with nothing in them. */
const SKELETON = [
  "_layers/sha256",
  "_layers/sha512",
  "_manifests/revisions/sha256",
  "_manifests/revisions/sha512",
  "_manifests/tags",
  "_uploads",
];

/** How links are removed. */
export interface RemoveLinksOptions {
  driver: StorageDriver;
  concurrency: number;
  /** Called before each batch. @throws what ends the removing */
  beforeBatch?: (() => void) | undefined;
}

/**
 * Removes the links of repositories: their tags first, and when they are gone for good the others; then the folders in which
 * nothing is left. Each goes by its exact path.
 *
 * @throws {StorageUnavailableError} if one cannot be removed
 */
export async function removeLinks(
  repositories: readonly RepositoryLinks[],
  options: RemoveLinksOptions,
): Promise<void> {
  const { driver } = options;
  for (const stage of [...LINK_STAGES].reverse()) {
    const paths = repositories.flatMap(({ name, links }) =>
      links[stage].map(({ below }) => `${repositoryPath(name)}/${below}`),
    );
    await removeFiles(paths, options);
    if (stage === "tags" && canSettleRemovals(driver)) await driver.settleRemovals(paths.map(parentOf));
  }
  if (!hasEmptyFolders(driver)) return;
  const settled = new Set<string>();
  for (const found of repositories) await removeFolders(found, driver, settled);
}

async function removeFiles(paths: readonly string[], options: RemoveLinksOptions): Promise<void> {
  const { driver, concurrency, beforeBatch } = options;
  for (let start = 0; start < paths.length; start += FILES_AT_ONCE) {
    beforeBatch?.();
    const batch = paths.slice(start, start + FILES_AT_ONCE);
    if (canDeleteMany(driver)) {
      const [failure] = await driver.deleteMany(batch);
      if (failure !== undefined) throw failure.error;
    } else
      await forEachConcurrently(batch, concurrency, async (path) => void (await deleteIfThere(driver, path)));
  }
}

/**
 * A folder that is left behind does no harm, so that it is no failure.
 *
 * @param settled - takes the folders whose removals are not durable yet
 */
async function removeFolders(
  found: RepositoryLinks,
  driver: StorageDriver & EmptyFolders,
  settled: Set<string>,
): Promise<void> {
  const root = repositoryPath(found.name);
  const folders = new Set<string>();
  const addAbove = (folder: string): void => {
    for (let at = folder; at.length > root.length && !folders.has(at); at = parentOf(at)) folders.add(at);
  };
  for (const stage of LINK_STAGES)
    for (const { below } of found.links[stage]) addAbove(parentOf(`${root}/${below}`));
  for (const folder of found.emptyFolders) addAbove(folder);
  for (const folder of SKELETON) addAbove(`${root}/${folder}`);
  const fromBelow = [...folders].sort((left, right) => right.length - left.length);
  for (let at = root; at !== REPOSITORIES_ROOT; at = parentOf(at)) fromBelow.push(at);
  for (const [index, folder] of fromBelow.entries()) {
    if (index % FILES_AT_ONCE === 0) await setImmediate();
    try {
      const isGone = hasSynchronousFolders(driver)
        ? driver.removeFolderSync(folder)
        : await driver.removeFolder(folder);
      settled.delete(folder);
      if (isGone) settled.add(parentOf(folder));
    } catch {
      // What is in the way is told of by whoever needs the folder.
    }
  }
}
