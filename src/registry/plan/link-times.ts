import { setImmediate } from "node:timers/promises";
import { CancelledError, PathNotFoundError } from "../../errors.ts";
import { forEachConcurrently } from "../../lib/for-each-concurrently.ts";
import {
  hasSmallReads,
  hasSynchronousFolders,
  type ScanFailure,
  type SmallReads,
} from "../../storage/abilities.ts";
import type { StorageDriver } from "../../storage/driver.ts";
import type { DigestId } from "../graph/digest-table.ts";
import type { LinkList } from "../graph/link-list.ts";
import { parentOf } from "../paths.ts";
import { scanFiles } from "../scan/scan-files.ts";
import { statSmallFile } from "../small-file.ts";

/** The time of what cannot be told. */
const YOUNG = Number.POSITIVE_INFINITY;
/** So many links are looked at before the event loop gets its turn: on a network file system each takes a while. */
const LINKS_AT_ONCE = 512;

/** How the times of links are asked for that a listing did not bring. */
export interface LinkTimeOptions {
  driver: StorageDriver;
  /** How many links are looked at a time where that takes promises. */
  concurrency: number;
  /** See `CollectionRules`. */
  agesMatter?: boolean;
  /** Called with a folder that was taken for a link's, and in which there is certainly none. */
  onMissing: (folder: string) => void;
  /** Called with each file below such a folder, which a scan of all files would have found in a place of no meaning. */
  onUnknown: (path: string) => void;
  /** Called with such a folder if there may be a link that cannot be seen; the link counts as written just now. */
  onFailure: (failure: ScanFailure) => void;
  signal?: AbortSignal | undefined;
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
 * @throws {CancelledError} when `signal` is aborted
 */
export async function fillTimes(
  links: LinkList,
  indexes: readonly number[],
  { driver, concurrency, onMissing, onUnknown, onFailure, signal }: LinkTimeOptions,
  pathOf: (id: DigestId) => string,
): Promise<readonly number[]> {
  const missing = new Set<number>();
  const filled: string[] = [];
  const fill = (index: number, path: string, modifiedMs: number | undefined): void => {
    const folder = parentOf(path);
    const { doubt, isFilled } = modifiedMs === undefined ? lookInto(driver, folder) : UNDOUBTED;
    if (doubt !== undefined) onFailure({ path: folder, error: doubt });
    if (modifiedMs !== undefined || doubt !== undefined) links.setModifiedMs(index, modifiedMs ?? YOUNG);
    else {
      missing.add(index);
      onMissing(folder);
      if (isFilled) filled.push(folder);
    }
  };
  const unknown = indexes.filter((index) => Number.isNaN(links.modifiedMs(index)));
  if (hasSmallReads(driver)) {
    for (const [count, index] of unknown.entries()) {
      if (count % LINKS_AT_ONCE === LINKS_AT_ONCE - 1) await setImmediate();
      if (signal?.aborted) throw new CancelledError();
      const path = pathOf(links.id(index));
      fill(index, path, timeOfSync(driver, path));
    }
  } else {
    await forEachConcurrently(unknown, concurrency, async (index) => {
      const path = pathOf(links.id(index));
      fill(index, path, await timeOf(driver, path));
    });
  }
  for (const folder of filled) {
    for await (const batch of scanFiles(driver, folder, { onFailure, signal })) {
      for (const { path } of batch) onUnknown(path);
    }
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

/** What is in a folder in which no link was found. */
interface LinklessFolder {
  /** Why there may be a link that cannot be seen: it, or the folder, leads to a disk that is not mounted. */
  doubt: unknown;
  /** There is something else in it. */
  isFilled: boolean;
}

const UNDOUBTED: LinklessFolder = { doubt: undefined, isFilled: false };

function lookInto(driver: StorageDriver, folder: string): LinklessFolder {
  // Elsewhere a scan has seen every file.
  if (!hasSynchronousFolders(driver)) return UNDOUBTED;
  try {
    const names = driver.listNamesSync(folder);
    const hidden = names === undefined ? folder : `${folder}/link`;
    const isHidden = names?.includes("link") !== false && driver.listNamesSync(hidden) === undefined;
    const doubt = isHidden ? new PathNotFoundError(driver.name, hidden) : undefined;
    return { doubt, isFilled: names !== undefined && names.length > 0 };
  } catch (error) {
    return { doubt: error, isFilled: false };
  }
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
