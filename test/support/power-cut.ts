import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import type { FsChange } from "./recording-fs.ts";

/*
 * What may be on the disk after a power cut.
 *
 * How a test uses it:
 *
 *   const recorder = recordingFs();
 *   const driver = new FilesystemDriver({ rootDirectory, fs: recorder.fs });
 *   await pushTag(new Registry(driver), "latest"); recorder.mark("latest");
 *   for (const state of survivors(recorder.log)) {
 *     await materialise(state, rootDirectory, emptyFolder);
 *     // every tag in state.marks must pull from a registry over emptyFolder
 *   }
 *
 * The root folder must exist, and be empty, before the recording begins. Marks must be set when the call that they
 * acknowledge has resolved.
 */

/** What may be on the disk after a power cut. */
export interface DiskState {
  /** How many of the recorded changes had been made when the power went. */
  changes: number;
  /** What was lost, for the failure message. */
  lost: "nothing" | "content" | "names" | "content and names";
  /** What had been acknowledged. */
  marks: string[];
  folders: Set<string>;
  files: Map<string, Uint8Array>;
}

/** A file apart from its names: what is in memory, and what is surely on disk. */
interface Inode {
  content: Uint8Array;
  synced: Uint8Array;
}

type Entry = Inode | "folder";

interface Names {
  /** Every name as the running system sees it. */
  current: Map<string, Entry>;
  /** Every name as the disk surely has it. */
  synced: Map<string, Entry>;
}

/**
 * The states in which a power cut after any of the recorded changes may leave the disk. For each moment four states:
 * everything had reached the disk; all unsynced content was lost; all unsynced names (creations, renames, removals,
 * new folders) were lost; both. A name that is lost takes what is below it along. States of moments between which
 * nothing changed but marks are given once for each moment.
 *
 * Content is lost as a whole suffix: back to what the last sync of the file covered.
 */
export function* survivors(log: readonly FsChange[]): Generator<DiskState> {
  const names: Names = { current: new Map(), synced: new Map() };
  const open = new Map<number, Inode>();
  const syncs = new Map<number, () => void>();
  const marks: string[] = [];
  for (const [index, change] of log.entries()) {
    apply(change, { names, open, syncs, marks });
    for (const lost of ["nothing", "content", "names", "content and names"] as const) {
      yield stateOf(names, { changes: index + 1, lost, marks: [...marks] });
    }
  }
}

/** Writes a state out below `target`, an empty folder, as it was below `root`. */
export async function materialise(state: DiskState, root: string, target: string): Promise<void> {
  for (const folder of state.folders) await mkdir(join(target, relative(root, folder)), { recursive: true });
  for (const [path, content] of state.files) {
    const copy = join(target, relative(root, path));
    await mkdir(dirname(copy), { recursive: true });
    await writeFile(copy, content);
  }
}

/** Where the replay of a recording is. */
interface Replay {
  names: Names;
  open: Map<number, Inode>;
  /** What each running sync will have made durable when it ends. */
  syncs: Map<number, () => void>;
  marks: string[];
}

function apply(change: FsChange, { names, open, syncs, marks }: Replay): void {
  const { current } = names;
  switch (change.kind) {
    case "create": {
      const inode: Inode = { content: new Uint8Array(), synced: new Uint8Array() };
      current.set(change.path, inode);
      open.set(change.file, inode);
      break;
    }
    case "open":
      open.set(change.file, inodeAt(current, change.path));
      break;
    case "write": {
      const inode = openFile(open, change.file);
      const content = new Uint8Array(Math.max(inode.content.length, change.position + change.bytes.length));
      content.set(inode.content);
      content.set(change.bytes, change.position);
      inode.content = content;
      break;
    }
    case "beginSyncFile": {
      const inode = openFile(open, change.file);
      const { content } = inode;
      syncs.set(change.sync, () => {
        inode.synced = content;
      });
      break;
    }
    case "beginSyncFolder":
      syncs.set(change.sync, syncOf(names, change.path));
      break;
    case "endSync":
      syncs.get(change.sync)?.();
      syncs.delete(change.sync);
      break;
    case "mkdir":
      current.set(change.path, "folder");
      break;
    case "rename":
      current.set(change.to, inodeAt(current, change.from));
      if (change.from !== change.to) current.delete(change.from);
      break;
    case "link":
      current.set(change.path, inodeAt(current, change.existing));
      break;
    case "unlink":
    case "rmdir":
      current.delete(change.path);
      break;
    case "mark":
      marks.push(change.label);
      break;
  }
}

function syncOf({ current, synced }: Names, folder: string): () => void {
  const entries = [...current].filter(([path]) => dirname(path) === folder);
  return () => {
    for (const path of [...synced.keys()]) if (dirname(path) === folder) synced.delete(path);
    for (const [path, entry] of entries) synced.set(path, entry);
  };
}

function stateOf(names: Names, about: Pick<DiskState, "changes" | "lost" | "marks">): DiskState {
  const losesNames = about.lost.includes("names");
  const losesContent = about.lost.includes("content");
  const entries = losesNames ? names.synced : names.current;
  const state: DiskState = { ...about, folders: new Set(), files: new Map() };
  const all = new Set([...names.current.keys(), ...names.synced.keys()]);
  for (const [path, entry] of entries) {
    if (!hasItsFolders(path, entries, all)) continue;
    if (entry === "folder") state.folders.add(path);
    else state.files.set(path, losesContent ? entry.synced : entry.content);
  }
  return state;
}

/** Tells whether every folder above that the recording knows of is there; those it does not know were there before. */
function hasItsFolders(path: string, entries: Map<string, Entry>, all: Set<string>): boolean {
  for (let at = dirname(path); at !== dirname(at); at = dirname(at)) {
    if (all.has(at) && entries.get(at) !== "folder") return false;
  }
  return true;
}

function openFile(open: Map<number, Inode>, file: number): Inode {
  const inode = open.get(file);
  if (inode === undefined) throw new Error(`the recording writes to file ${file} before it opens it`);
  return inode;
}

function inodeAt(entries: Map<string, Entry>, path: string): Inode {
  const entry = entries.get(path);
  if (entry === undefined || entry === "folder")
    throw new Error(`the recording does not know the file ${path}`);
  return entry;
}
