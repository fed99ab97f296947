import { type Dirent, lstatSync, readdirSync, realpathSync, statSync } from "node:fs";
import { setImmediate } from "node:timers/promises";
import type { ScanAsides, ScanFailure, ScannedFile } from "../abilities.ts";
import { childPath } from "../key-order.ts";
import { isBehind, partBehind } from "../scan-after.ts";
import { isTemporaryName } from "./temporary-name.ts";
import { isMissing } from "./translate-error.ts";
import { type Child, childrenOf, enterLink, type WalkPosition } from "./walk-folder.ts";

const BATCH_FILES = 1000;

/** What a scan is told and asks beside where it starts. */
export interface ScanOptions extends ScanAsides {
  onFailure: (failure: ScanFailure) => void;
  translate: (error: unknown, path: string, absolutePath: string) => unknown;
  /** true: only the driver's temporary files; false: all others. */
  temporary: boolean;
  /** Folders of such a path are given with a `/` at the end and not looked into. */
  isLeaf?: (path: string) => boolean;
}

/**
 * All files below a folder in key order by synchronous directory reads, several times as fast as promises. The event
 * loop gets its turn after every batch.
 *
 * Only the folder itself may be missing. What is gone when its turn comes, a symbolic link that leads nowhere (to a disk
 * that is not mounted), and a pipe, socket or device, is a failure: something may be there that the scan does not see.
 */
export async function* scanFolder(start: WalkPosition, options: ScanOptions): AsyncGenerator<ScannedFile[]> {
  let batch: ScannedFile[] = [];
  if (partBehind(start.path, options.after) === "none" || !isThere(start)) return;
  for (const path of filesBelow(start, options)) {
    batch.push({ path });
    if (batch.length < BATCH_FILES) continue;
    yield batch;
    batch = [];
    await setImmediate();
  }
  if (batch.length > 0) yield batch;
}

/** A link that leads nowhere is there. */
function isThere({ absolutePath }: WalkPosition): boolean {
  try {
    return lstatSync(absolutePath, { throwIfNoEntry: false }) !== undefined;
  } catch (error) {
    return !isMissing(error);
  }
}

function* filesBelow(
  at: WalkPosition,
  options: ScanOptions,
  onEmpty?: (path: string) => void,
): Generator<string> {
  const children = read(at, options);
  if (children?.length === 0) onEmpty?.(at.path);
  const { after } = options;
  for (const child of children ?? []) {
    if (!child.isFolder) {
      if (!isBehind(child.path, after)) continue;
      const isTemporary = isTemporaryName(child.name);
      if (isTemporary === options.temporary) yield child.path;
      else if (isTemporary) options.onTemporaryFile?.(child.path);
      continue;
    }
    const part = partBehind(child.path, after);
    if (part === "none") continue;
    if (options.isLeaf?.(child.path)) {
      if (`${child.path}/` !== after) yield `${child.path}/`;
      continue;
    }
    const realAncestors = child.isLink ? follow(child, at, options) : at.realAncestors;
    if (realAncestors === "loop" && !options.temporary) yield child.path;
    if (realAncestors === undefined || realAncestors === "loop") continue;
    const folder = { path: child.path, absolutePath: child.absolutePath, realAncestors };
    const below = part === "all" && after !== undefined ? { ...options, after: undefined } : options;
    yield* filesBelow(folder, below, options.onEmptyFolder);
  }
}

/** @returns undefined if the folder cannot be listed */
function read(at: WalkPosition, options: ScanOptions): Child[] | undefined {
  let entries: Dirent[];
  try {
    entries = readdirSync(at.absolutePath, { withFileTypes: true });
  } catch (error) {
    report(at, error, options);
    return undefined;
  }
  // Those who look for temporary files only are not interested.
  for (const entry of options.temporary ? [] : entries)
    if (isSpecial(entry)) reportSpecial(at, entry, options);
  return childrenOf(at, entries, (entry) => {
    const absolutePath = childPath(at.absolutePath, entry.name);
    try {
      return statSync(absolutePath).isDirectory();
    } catch (error) {
      report({ path: childPath(at.path, entry.name), absolutePath }, error, options);
      return undefined;
    }
  });
}

/** A pipe, a socket or a device: whoever put it there may have put it in the place of what is needed. */
function isSpecial(entry: Dirent): boolean {
  return !entry.isFile() && !entry.isDirectory() && !entry.isSymbolicLink();
}

function reportSpecial(at: WalkPosition, entry: Dirent, options: ScanOptions): void {
  const error = new Error("it is neither a file nor a folder");
  options.onFailure({ path: childPath(at.path, entry.name), error });
}

/** @returns "loop" for a link that leads back: it is given as a file, so that it is not unknown what is in its place */
function follow(child: Child, at: WalkPosition, options: ScanOptions): string[] | "loop" | undefined {
  try {
    return enterLink(realpathSync(child.absolutePath), at.realAncestors) ?? "loop";
  } catch (error) {
    report(child, error, options);
    return undefined;
  }
}

function report(at: { path: string; absolutePath: string }, error: unknown, options: ScanOptions): void {
  options.onFailure({ path: at.path, error: options.translate(error, at.path, at.absolutePath) });
}
