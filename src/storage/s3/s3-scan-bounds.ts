import { compareKeys } from "../key-order.ts";
import { behindFolder, type ListedPage, PAGE_KEYS, type PageRequest } from "./s3-listing.ts";
import type { ScanRange } from "./s3-scan-range.ts";

/** What the search for bounds works with. */
export interface BoundSearch {
  /** What all keys of the scan begin with. */
  prefix: string;
  /** How many ranges are wanted at the most. */
  maxRanges: number;
  /** How many pages a range should have at the most, where that can be told. */
  maxPages: number;
  listPage: (request: PageRequest) => Promise<ListedPage>;
}

/** Not worth more requests. */
const MIN_PAGES_LEFT = 3;
/** A path with more folders than that is no registry's. */
const MAX_DEPTH = 16;
/** A folder that is named by a hash, perhaps below one named by the hash's first two digits. */
const HASH = /^(?:([0-9a-f]{2})\/)?([0-9a-f]{32,128})(?:\/|$)/;
/** So many digits of a hash tell where it stands among all. */
const DIGITS = 8;

/**
 * Looks for keys at which the rest of a range can be split. Hashes are spread evenly, so that bounds among them need not
 * be looked for; elsewhere the folders are listed that lie beside the way to the last key, from the top down.
 *
 * @returns keys behind the last one of the range, in order; none if there is too little left, or nothing to go by
 */
export async function findBounds(range: ScanRange, search: BoundSearch): Promise<string[]> {
  let folder = sharedFolder(range, search.prefix);
  for (let depth = 0; depth < MAX_DEPTH; depth++) {
    const below = range.lastKey.slice(folder.length);
    const bounds = hashBounds(range, folder, search);
    if (bounds !== undefined) return bounds;
    const [child = ""] = below.split("/", 1);
    const page = await search.listPage({
      prefix: folder,
      children: true,
      position: { after: behindFolder(`${folder}${child}/`) },
    });
    const found = siblings(page, range);
    if (found.length > 0) return spread(found, search.maxRanges - 1, page.next !== undefined);
    if (child.length === below.length) return [];
    folder += `${child}/`;
  }
  return [];
}

/** @returns the lowest folder that has everything that is left of a range */
function sharedFolder({ lastKey, upTo }: ScanRange, prefix: string): string {
  if (upTo === undefined) return prefix;
  let length = 0;
  while (length < upTo.length && lastKey[length] === upTo[length]) length++;
  const slash = lastKey.lastIndexOf("/", length - 1);
  return lastKey.slice(0, Math.max(prefix.length, slash + 1));
}

/** @returns the children of a page that lie behind the last key of a range, without the slash of folders */
function siblings(page: ListedPage, { lastKey, upTo }: ScanRange): string[] {
  const names = new Set<string>();
  for (const prefix of page.prefixes) names.add(prefix.slice(0, -1));
  for (const { key } of page.objects) names.add(key.endsWith("/") ? key.slice(0, -1) : key);
  return [...names]
    .filter((key) => compareKeys(key, lastKey) > 0 && (upTo === undefined || compareKeys(key, upTo) < 0))
    .sort(compareKeys);
}

/** Takes some of many keys, at equal distances. */
function spread(keys: readonly string[], count: number, hasMore: boolean): string[] {
  if (keys.length <= count) return [...keys];
  const step = keys.length / count;
  const picked = new Set<string>();
  for (let index = 0; index < count; index++) picked.add(keys[Math.floor(index * step)] ?? "");
  // What lies behind the page is as much again, or far more.
  const last = keys.at(-1);
  if (hasMore && last !== undefined) picked.add(last);
  return [...picked];
}

/** @returns undefined if the children of the folder are not named by hashes */
function hashBounds(
  range: ScanRange,
  folder: string,
  { maxRanges, maxPages }: BoundSearch,
): string[] | undefined {
  const match = HASH.exec(range.lastKey.slice(folder.length));
  const [, shard, hash = ""] = match ?? [];
  if (!match || (shard !== undefined && !hash.startsWith(shard))) return undefined;
  const from = fraction(hash);
  const start = range.after.startsWith(folder) ? fraction(hashPart(range.after, folder)) : 0;
  const end = range.upTo?.startsWith(folder) ? fraction(hashPart(range.upTo, folder)) : 1;
  if (from <= start || end <= from) return [];
  const pagesLeft = ((range.keyCount / PAGE_KEYS) * (end - from)) / (from - start);
  if (pagesLeft < MIN_PAGES_LEFT) return [];
  const pagesEach = Math.min(maxPages, Math.max(2, Math.ceil(pagesLeft / maxRanges)));
  const count = Math.min(maxRanges - 1, Math.ceil(pagesLeft / pagesEach) - 1);
  return Array.from({ length: count }, (_, index) => {
    const at = from + ((index + 1) * pagesEach * (end - from)) / pagesLeft;
    const digits = Math.floor(at * 16 ** DIGITS)
      .toString(16)
      .padStart(DIGITS, "0");
    return `${folder}${shard === undefined ? "" : `${digits.slice(0, 2)}/`}${digits}`;
  });
}

/** @returns the hash, or its beginning, in a key or a bound */
function hashPart(key: string, folder: string): string {
  const below = key.slice(folder.length);
  return /^[0-9a-f]{2}\//.test(below) ? below.slice(3) : below;
}

/** @returns where a hash stands among all, 0 to 1 */
function fraction(hash: string): number {
  const [digits = ""] = /^[0-9a-f]*/.exec(hash.slice(0, DIGITS)) ?? [];
  return digits === "" ? 0 : Number.parseInt(digits.padEnd(DIGITS, "0"), 16) / 16 ** DIGITS;
}
