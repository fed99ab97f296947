import { randomBytes } from "node:crypto";
import { closeSync, mkdirSync, openSync, readdirSync, readFileSync, unlinkSync, writeSync } from "node:fs";
import { join } from "node:path";
import type { Logger } from "../lib/logger.ts";
import { messageOf } from "../lib/message-of.ts";
import { leasePrefix } from "./lease-key.ts";
import { isExpired, LeaseTable } from "./lease-table.ts";

const ENTRY_BYTES = 8;
const FILE_NAME = /^(\d{1,9})-[0-9a-f]+\.leases$/;
/** After a failed write the next is tried this much later, so that a full disk costs no system call per answer. */
const RETRY_AFTER_MS = 1_000;
/** Leases that wait for a disk with room, at the most (8 MiB). */
const MAX_PENDING_WORDS = 2 * 1024 * 1024;

/** Options of {@link LeaseLog}. */
export interface LeaseLogOptions {
  /** Folder of the log files, made if missing; undefined: leases are kept in memory only. */
  folder: string | undefined;
  logger: Logger;
  /** Milliseconds since 1970. */
  now?: () => number;
}

/**
 * What this process has leased, and what earlier and other processes had leased when it began. New leases are
 * appended to a file of its own, `<hour>-<random>.leases`, 8 bytes each (the high half first, little-endian halves),
 * so that they outlive the process: written, not synced, since what they guard against is a crash of a process.
 * Within an hour a key is written once.
 *
 * Where the file cannot be written (full disk, lost rights) the leases stay in memory, where a collector that asks
 * this process still finds them; the log says once that it is {@link incomplete}, and they are written when there is
 * room again. Only if the process dies before that, the leases of that time are lost: a client that was told of a
 * blob then may find it collected, and pushes it again. Pins, on which safety rests, do not depend on this file.
 */
export class LeaseLog {
  readonly #folder: string | undefined;
  readonly #logger: Logger;
  readonly #now: () => number;
  readonly #table: LeaseTable;
  #pending: number[] = [];
  #file: { descriptor: number; hour: number } | undefined;
  #failedAtMs: number | undefined;

  constructor(options: LeaseLogOptions) {
    this.#folder = options.folder;
    this.#logger = options.logger;
    this.#now = options.now ?? Date.now;
    this.#table = new LeaseTable(this.#now);
    if (this.#folder !== undefined) this.#load(this.#folder);
  }

  /** Some leases are in memory only, although there is a folder for them. */
  get incomplete(): boolean {
    return this.#failedAtMs !== undefined;
  }

  /** Remembers keys for the lease time; {@link flush} writes them. */
  lease(keys: readonly string[]): void {
    for (const key of keys) {
      const prefix = leasePrefix(key);
      if (this.#table.add(prefix) && this.#folder !== undefined && this.#pending.length < MAX_PENDING_WORDS) {
        this.#pending.push(prefix.high, prefix.low);
      }
    }
  }

  /** Tells whether a key is leased, by this process or by one whose file was there at the start. */
  has(key: string): boolean {
    return this.#table.has(leasePrefix(key));
  }

  /** Writes what `lease` collected, in one write. Never throws: see above for a disk that takes nothing. */
  flush(): void {
    if (this.#pending.length === 0) return;
    if (this.#failedAtMs !== undefined && Math.abs(this.#now() - this.#failedAtMs) < RETRY_AFTER_MS) return;
    this.#tryToWrite();
  }

  /** Writes what is left and closes the file. */
  close(): void {
    if (this.#pending.length > 0) this.#tryToWrite();
    this.#closeFile();
  }

  #tryToWrite(): void {
    if (this.#folder === undefined) return;
    try {
      this.#write(this.#folder);
      if (this.#failedAtMs !== undefined) {
        this.#failedAtMs = undefined;
        this.#logger.info("the lease log can be written again");
      }
    } catch (error) {
      this.#fail(error);
    }
  }

  #write(folder: string): void {
    const descriptor = this.#openFile(folder);
    const bytes = Buffer.allocUnsafe(this.#pending.length * 4);
    this.#pending.forEach((word, index) => {
      bytes.writeUInt32LE(word, index * 4);
    });
    const written = writeSync(descriptor, bytes);
    if (written === bytes.length) {
      this.#pending = [];
      return;
    }
    // Entries behind a torn one could not be read, so the rest goes to a new file.
    this.#closeFile();
    this.#pending = this.#pending.slice(Math.floor(written / ENTRY_BYTES) * 2);
    throw new Error(`only ${written} of ${bytes.length} bytes could be written`);
  }

  #openFile(folder: string): number {
    const hour = this.#table.hour;
    if (this.#file !== undefined && this.#file.hour === hour) return this.#file.descriptor;
    this.#closeFile();
    removeExpired(folder, hour);
    const descriptor = openSync(
      join(folder, `${hour}-${randomBytes(8).toString("hex")}.leases`),
      "ax",
      0o600,
    );
    this.#file = { descriptor, hour };
    return descriptor;
  }

  #closeFile(): void {
    const file = this.#file;
    this.#file = undefined;
    if (file !== undefined) closeSync(file.descriptor);
  }

  #load(folder: string): void {
    try {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      removeExpired(folder, this.#table.hour);
      for (const { name, hour } of leaseFiles(folder)) this.#loadFile(join(folder, name), hour);
    } catch (error) {
      this.#fail(error);
    }
  }

  #loadFile(path: string, hour: number): void {
    const bytes = readFileSync(path);
    // What is left of a torn last entry is not read: it was never acknowledged.
    for (let at = 0; at + ENTRY_BYTES <= bytes.length; at += ENTRY_BYTES) {
      this.#table.addAt(hour, { high: bytes.readUInt32LE(at), low: bytes.readUInt32LE(at + 4) });
    }
  }

  #fail(error: unknown): void {
    const first = this.#failedAtMs === undefined;
    this.#failedAtMs = this.#now();
    if (!first) return;
    this.#logger.warn("the lease log is incomplete: leases are kept in memory until it can be written", {
      folder: this.#folder,
      error: messageOf(error),
    });
  }
}

function leaseFiles(folder: string): { name: string; hour: number }[] {
  const files: { name: string; hour: number }[] = [];
  for (const name of readdirSync(folder)) {
    const hour = FILE_NAME.exec(name)?.[1];
    if (hour !== undefined) files.push({ name, hour: Number(hour) });
  }
  return files;
}

function removeExpired(folder: string, now: number): void {
  for (const { name, hour } of leaseFiles(folder)) {
    if (isExpired(hour, now)) removeIfThere(join(folder, name));
  }
}

/** Another process of ours may have removed it first, which is as good. */
function removeIfThere(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) throw error;
  }
}
