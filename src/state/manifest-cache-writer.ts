import { randomBytes } from "node:crypto";
import { type FileHandle, open, readdir, rename, unlink } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { KeptManifest } from "../registry/graph/manifest-record-source.ts";
import {
  CHECKSUM_BYTES,
  cacheHeader,
  digestBytes,
  END_BYTES,
  HEADER_BYTES,
  LENGTH_BYTES,
  MAX_ENTRY_BYTES,
  writeChecksum,
} from "./manifest-cache-format.ts";

const BUFFER_BYTES = 1024 * 1024;

/** What {@link writeManifestCache} did. */
export interface SavedManifestCache {
  /** How many entries the file holds; 0 if it could not be written. */
  entries: number;
  /** Length of the file; 0 if it could not be written. */
  bytes: number;
  /** Why the file could not be written: a sentence that names it. */
  problem?: string;
}

/**
 * Replaces a cache file by one of these records, for its owner alone. It appears as a whole or not at all; if it
 * cannot be written, the old one stays and nothing else is left. Temporary files of killed writers are removed first.
 * Of two writers at once, the one that began later wins, and the other one has a `problem`.
 *
 * Nothing is synced: a power cut can leave a damaged file, which is noticed and written anew.
 *
 * @throws only what `records` throws
 */
export async function writeManifestCache(
  path: string,
  records: Iterable<KeptManifest>,
): Promise<SavedManifestCache> {
  const temporary = `${path}.${randomBytes(8).toString("hex")}.tmp`;
  let file: FileHandle | undefined;
  let isDone = false;
  try {
    await removeTemporaryFiles(path);
    file = await open(temporary, "wx", 0o600);
    const writer = new EntryWriter(file);
    for (const record of records) {
      if (!writer.add(record)) await writer.flush();
    }
    const result = await writer.end();
    const closing = file;
    file = undefined;
    await closing.close();
    await rename(temporary, path);
    isDone = true;
    return result;
  } catch (error) {
    if (!(error instanceof Error && "syscall" in error)) throw error;
    return { entries: 0, bytes: 0, problem: `${path} cannot be written: ${error.message}` };
  } finally {
    if (file) await closeQuietly(file);
    if (!isDone) await removeQuietly(temporary);
  }
}

/** Collects entries in a buffer that goes to the file whenever it is full. */
class EntryWriter {
  readonly #file: FileHandle;
  #buffer = Buffer.allocUnsafe(BUFFER_BYTES);
  #length = 0;
  #written = 0;
  #entries = 0;

  constructor(file: FileHandle) {
    this.#file = file;
    this.#buffer.set(cacheHeader());
    this.#length = HEADER_BYTES;
  }

  /** @returns false if the buffer is to be flushed before the next one */
  add({ algorithm, digest, record }: KeptManifest): boolean {
    const length = 1 + digest.length + record.length;
    if (digest.length !== digestBytes(algorithm)) throw new RangeError(`a digest of ${digest.length} bytes`);
    if (length > MAX_ENTRY_BYTES) return true;
    this.#makeRoom(LENGTH_BYTES + length + CHECKSUM_BYTES);
    const buffer = this.#buffer;
    const start = this.#length;
    const digestStart = buffer.writeUInt32LE(length, start) + 1;
    buffer[digestStart - 1] = algorithm;
    buffer.set(digest, digestStart);
    buffer.set(record, digestStart + digest.length);
    const end = digestStart + digest.length + record.length;
    writeChecksum(buffer, start, end);
    this.#length = end + CHECKSUM_BYTES;
    this.#entries++;
    return this.#length < BUFFER_BYTES / 2;
  }

  async flush(): Promise<void> {
    let at = 0;
    while (at < this.#length) {
      const { bytesWritten } = await this.#file.write(this.#buffer, at, this.#length - at);
      at += bytesWritten;
    }
    this.#written += this.#length;
    this.#length = 0;
  }

  async end(): Promise<SavedManifestCache> {
    this.#makeRoom(END_BYTES);
    const start = this.#length;
    const sumAt = this.#buffer.writeUInt32LE(this.#entries, this.#buffer.writeUInt32LE(0, start));
    writeChecksum(this.#buffer, start, sumAt);
    this.#length = sumAt + CHECKSUM_BYTES;
    await this.flush();
    return { entries: this.#entries, bytes: this.#written };
  }

  #makeRoom(count: number): void {
    if (this.#length + count <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafe(this.#length + count);
    this.#buffer.copy(larger, 0, 0, this.#length);
    this.#buffer = larger;
  }
}

/** What killed writers left. A file that stays, for whatever reason, does no harm. */
async function removeTemporaryFiles(path: string): Promise<void> {
  const folder = dirname(path);
  const prefix = `${basename(path)}.`;
  for (const name of await readdir(folder)) {
    const isOurs = name.startsWith(prefix) && /^[0-9a-f]{16}\.tmp$/.test(name.slice(prefix.length));
    if (isOurs) await removeQuietly(join(folder, name));
  }
}

async function removeQuietly(path: string): Promise<void> {
  await unlink(path).catch(() => {});
}

async function closeQuietly(file: FileHandle): Promise<void> {
  await file.close().catch(() => {});
}
