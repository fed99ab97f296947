import { forEachConcurrently } from "../../lib/for-each-concurrently.ts";
import { hasSmallReads, type SmallReads } from "../../storage/abilities.ts";
import type { StorageDriver } from "../../storage/driver.ts";
import type { DigestId } from "../graph/digest-table.ts";
import type { LinkList } from "../graph/link-list.ts";
import { statSmallFile } from "../small-file.ts";

/** The time of what cannot be told. */
const YOUNG = Number.POSITIVE_INFINITY;

/** How the times of links are asked for that a listing did not bring. */
export interface LinkTimeOptions {
  driver: StorageDriver;
  /** How many links are looked at a time where that takes promises. */
  concurrency: number;
  /** See `CollectionRules`. */
  agesMatter?: boolean;
  /** Called with a folder that was taken for a link's, and in which there is none. */
  onMissing: (folder: string) => void;
}

/** @returns the indexes of links that are there, as far as has been looked, with their times where ages matter */
export async function withTimes(
  links: LinkList,
  indexes: readonly number[],
  options: LinkTimeOptions,
  pathOf: (id: DigestId) => string,
): Promise<readonly number[]> {
  if (options.agesMatter === false) return indexes;
  return fillTimes(links, indexes, options, pathOf);
}

/**
 * Asks for the times that the listing did not bring. A link whose time cannot be told counts as written just now; one
 * that is not there is taken out of the list.
 *
 * @returns the indexes, as they are then, of those that are there
 */
export async function fillTimes(
  links: LinkList,
  indexes: readonly number[],
  { driver, concurrency, onMissing }: LinkTimeOptions,
  pathOf: (id: DigestId) => string,
): Promise<readonly number[]> {
  const missing = new Set<number>();
  const fill = (index: number, path: string, modifiedMs: number | undefined): void => {
    if (modifiedMs !== undefined) links.setModifiedMs(index, modifiedMs);
    else {
      missing.add(index);
      onMissing(path.slice(0, path.lastIndexOf("/")));
    }
  };
  const unknown = indexes.filter((index) => Number.isNaN(links.modifiedMs(index)));
  if (hasSmallReads(driver)) {
    for (const index of unknown) {
      const path = pathOf(links.id(index));
      fill(index, path, timeOfSync(driver, path));
    }
  } else {
    await forEachConcurrently(unknown, concurrency, async (index) => {
      const path = pathOf(links.id(index));
      fill(index, path, await timeOf(driver, path));
    });
  }
  if (missing.size === 0) return indexes;
  links.remove(missing);
  let removed = 0;
  return indexes.flatMap((index) => {
    if (!missing.has(index)) return [index - removed];
    removed++;
    return [];
  });
}

/** @returns undefined if there is no such file */
function timeOfSync(driver: SmallReads, path: string): number | undefined {
  try {
    return driver.statFileSync(path)?.modifiedMs;
  } catch {
    return YOUNG;
  }
}

/** @returns when a file was written, as far as that can be told; undefined if there is no such file */
export async function timeOf(driver: StorageDriver, path: string): Promise<number | undefined> {
  try {
    return (await statSmallFile(driver, path))?.modifiedMs;
  } catch {
    return YOUNG;
  }
}
