import { constants, type Stats } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import type { AlgorithmCode } from "../registry/graph/manifest-record-layout.ts";
import { InvalidManifestRecordError } from "../registry/graph/record-bytes.ts";
import {
  CHECKSUM_BYTES,
  digestBytes,
  END_BYTES,
  HEADER_BYTES,
  hasChecksum,
  headerProblem,
  LENGTH_BYTES,
  MAX_ENTRY_BYTES,
} from "./manifest-cache-format.ts";

const WINDOW_BYTES = 1024 * 1024;

/** Takes one entry of the cache. Both arrays are views of a buffer that is used again after the call. */
export type AddManifestRecord = (algorithm: AlgorithmCode, digest: Uint8Array, record: Uint8Array) => void;

/** What {@link readManifestCache} found. */
export interface LoadedManifestCache {
  /** How many entries were given to `add`. */
  entries: number;
  /** Why the file, or a part of it, is not used: a sentence that names it, as "/a/b is no manifest cache". */
  problem?: string;
}

/**
 * Reads a cache file from beginning to end, entry by entry. Reading ends at the first damage; what stood before it is
 * used. A missing file is an empty one.
 *
 * @param uid - the file is used only if it belongs to this user, and nobody else may write it
 */
export async function readManifestCache(
  path: string,
  uid: number,
  add: AddManifestRecord,
): Promise<LoadedManifestCache> {
  const found = { entries: 0 };
  let file: FileHandle | undefined;
  try {
    // Neither through a symbolic link, nor waiting for the other end of a pipe.
    file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    const info = await file.stat();
    const problem = problemOf(info, uid) ?? (await readEntries(new FileWindow(file, info.size), found, add));
    return problem === undefined ? found : { ...found, problem: `${path} ${problem}` };
  } catch (error) {
    if (!(error instanceof Error && "syscall" in error && "code" in error)) throw error;
    if (error.code === "ENOENT") return found;
    return { ...found, problem: `${path} cannot be read: ${error.message}` };
  } finally {
    await file?.close();
  }
}

function problemOf(info: Stats, uid: number): string | undefined {
  if (!info.isFile()) return "is no file";
  if (info.uid !== uid) return `belongs to user ${info.uid}, not to ${uid}`;
  return (info.mode & 0o022) === 0 ? undefined : "can be written by other users";
}

/** @returns what is wrong, or undefined if all was sound */
async function readEntries(
  window: FileWindow,
  found: { entries: number },
  add: AddManifestRecord,
): Promise<string | undefined> {
  if (!(await window.require(HEADER_BYTES))) return "is cut short";
  const problem = headerProblem(window.bytes.subarray(window.start, window.start + HEADER_BYTES));
  if (problem !== undefined) return problem;
  window.skip(HEADER_BYTES);
  for (;;) {
    if (window.available < LENGTH_BYTES && !(await window.require(LENGTH_BYTES))) return "is cut short";
    const length = window.bytes.readUInt32LE(window.start);
    if (length === 0) return readEnd(window, found.entries);
    const damaged = `is damaged or cut short at byte ${window.position}`;
    if (length > MAX_ENTRY_BYTES) return damaged;
    const whole = LENGTH_BYTES + length + CHECKSUM_BYTES;
    if (window.available < whole && !(await window.require(whole))) return damaged;
    if (!giveEntry(window.bytes, window.start, length, add)) return damaged;
    found.entries++;
    window.skip(whole);
  }
}

/** @returns false if the entry is not sound */
function giveEntry(bytes: Buffer, start: number, length: number, add: AddManifestRecord): boolean {
  const digestStart = start + LENGTH_BYTES + 1;
  const end = start + LENGTH_BYTES + length;
  if (!hasChecksum(bytes, start, end)) return false;
  const algorithm = bytes[digestStart - 1];
  if (algorithm !== 0 && algorithm !== 1) return false;
  const recordStart = digestStart + digestBytes(algorithm);
  if (recordStart > end) return false;
  try {
    add(algorithm, bytes.subarray(digestStart, recordStart), bytes.subarray(recordStart, end));
  } catch (error) {
    if (error instanceof InvalidManifestRecordError) return false;
    throw error;
  }
  return true;
}

async function readEnd(window: FileWindow, entries: number): Promise<string | undefined> {
  if (!(await window.require(END_BYTES))) return "is cut short";
  const { bytes, start } = window;
  const sumAt = start + END_BYTES - CHECKSUM_BYTES;
  if (!hasChecksum(bytes, start, sumAt) || bytes.readUInt32LE(start + LENGTH_BYTES) !== entries) {
    return `is damaged at byte ${window.position}`;
  }
  window.skip(END_BYTES);
  return (await window.require(1)) ? "has more behind its end" : undefined;
}

/** The part of a file that is in memory, moved from its beginning to its end. */
class FileWindow {
  /** What was read; it counts from `start` on. Another one after each `require`. */
  bytes: Buffer;
  start = 0;
  #end = 0;
  /** Place of `bytes[0]` in the file. */
  #offset = 0;
  readonly #file: FileHandle;
  readonly #sizeBytes: number;

  constructor(file: FileHandle, sizeBytes: number) {
    this.#file = file;
    this.#sizeBytes = sizeBytes;
    this.bytes = Buffer.allocUnsafe(Math.min(WINDOW_BYTES, sizeBytes + 1));
  }

  /** Place of `start` in the file. */
  get position(): number {
    return this.#offset + this.start;
  }

  get available(): number {
    return this.#end - this.start;
  }

  skip(count: number): void {
    this.start += count;
  }

  /** Reads until `count` bytes are available. @returns false if the file ends before */
  async require(count: number): Promise<boolean> {
    if (this.available >= count) return true;
    // Before any memory is taken for a length that may be wrong.
    if (this.position + count > this.#sizeBytes) return false;
    const target = count > this.bytes.length ? Buffer.allocUnsafe(count) : this.bytes;
    this.bytes.copy(target, 0, this.start, this.#end);
    this.#offset += this.start;
    this.#end -= this.start;
    this.start = 0;
    this.bytes = target;
    while (this.#end < count) {
      const room = target.length - this.#end;
      const { bytesRead } = await this.#file.read(target, this.#end, room, this.#offset + this.#end);
      if (bytesRead === 0) return false;
      this.#end += bytesRead;
    }
    return true;
  }
}
