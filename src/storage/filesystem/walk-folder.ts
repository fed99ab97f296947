import type { Dirent } from "node:fs";
import type { FileInfo } from "../driver.ts";
import { childPath, sortKey, sortKeys } from "../key-order.ts";
import type { FsOperations, FsStat } from "./fs-operations.ts";
import { isTemporaryName } from "./temporary-name.ts";
import { isMissing } from "./translate-error.ts";

/** So many files of a folder are looked at in one go. */
const STATS_AT_ONCE = 32;

/** Where a walk is: the folder's two paths and the real paths of the folders that links led it through. */
export interface WalkPosition {
  path: string;
  absolutePath: string;
  realAncestors: readonly string[];
}

/** One child of a folder; the stat is missing if the walk did not need it. */
export interface Child {
  path: string;
  absolutePath: string;
  name: string;
  isFolder: boolean;
  isLink: boolean;
}

/** Sorts what a folder contains; links are followed by `isFolderLink`. Sockets and the like are left out. */
export function childrenOf(
  at: WalkPosition,
  entries: Dirent[],
  isFolderLink: (entry: Dirent) => boolean | undefined,
): Child[] {
  const byKey = new Map<string, Child>();
  for (const entry of entries) {
    const isLink = entry.isSymbolicLink();
    const isFolder = isLink ? isFolderLink(entry) : entry.isDirectory();
    if (isFolder === undefined || (!isFolder && !isLink && !entry.isFile())) continue;
    byKey.set(sortKey(entry.name, isFolder), {
      path: childPath(at.path, entry.name),
      absolutePath: childPath(at.absolutePath, entry.name),
      name: entry.name,
      isFolder,
      isLink,
    });
  }
  const sorted: Child[] = [];
  for (const key of sortKeys([...byKey.keys()])) {
    const child = byKey.get(key);
    if (child) sorted.push(child);
  }
  return sorted;
}

/**
 * Follows a link to a folder unless it leads back to a folder that the walk is inside of.
 *
 * @returns the real paths of the folders around what is below the link, or undefined for a loop
 */
export function enterLink(realPath: string, realAncestors: readonly string[]): string[] | undefined {
  const leadsBack = realAncestors.some(
    (ancestor) => ancestor === realPath || ancestor.startsWith(`${realPath}/`),
  );
  return leadsBack ? undefined : [...realAncestors, realPath];
}

/** Lists one folder in key order, without the driver's temporary files. Only symbolic links are looked at. */
export async function listChildren(fs: FsOperations, at: WalkPosition): Promise<Child[]> {
  const entries = (await fs.readdir(at.absolutePath)).filter((entry) => !isTemporaryName(entry.name));
  const links = new Map<string, boolean>();
  for (const entry of entries) {
    if (!entry.isSymbolicLink()) continue;
    const target = await statIfThere(fs, childPath(at.absolutePath, entry.name));
    if (target) links.set(entry.name, target.isDirectory());
  }
  return childrenOf(at, entries, (entry) => links.get(entry.name));
}

/** Lists one folder as {@link listChildren}, with sizes and times. */
export async function listFolder(
  fs: FsOperations,
  at: WalkPosition,
): Promise<{ info: FileInfo; child: Child }[]> {
  const children = await listChildren(fs, at);
  const listed: { info: FileInfo; child: Child }[] = [];
  for (let first = 0; first < children.length; first += STATS_AT_ONCE) {
    const some = children.slice(first, first + STATS_AT_ONCE);
    const stats = await Promise.all(some.map((child) => statIfThere(fs, child.absolutePath)));
    some.forEach((child, index) => {
      const stat = stats[index];
      if (stat) listed.push({ info: fileInfo(child.path, stat), child });
    });
  }
  return listed;
}

/** All files below a folder in key order. A folder that vanishes meanwhile has nothing in it. */
export async function* walkFolder(fs: FsOperations, at: WalkPosition): AsyncGenerator<FileInfo> {
  for (const { info, child } of await listFolder(fs, at)) {
    if (!child.isFolder) {
      yield info;
      continue;
    }
    const realAncestors = child.isLink
      ? enterLink(await fs.realpath(child.absolutePath), at.realAncestors)
      : at.realAncestors;
    if (realAncestors === undefined) continue;
    try {
      yield* walkFolder(fs, { path: child.path, absolutePath: child.absolutePath, realAncestors });
    } catch (error) {
      if (!isMissing(error)) throw error;
    }
  }
}

/** What the driver says of a file or folder. */
export function fileInfo(path: string, stat: FsStat): FileInfo {
  const isFolder = stat.isDirectory();
  return { path, sizeBytes: isFolder ? 0 : stat.size, modifiedMs: stat.mtimeMs, isFolder };
}

async function statIfThere(fs: FsOperations, path: string): Promise<FsStat | undefined> {
  try {
    return await fs.stat(path);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}
