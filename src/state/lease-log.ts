import { randomBytes } from "node:crypto";
import { closeSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import type { Logger } from "../lib/logger.ts";
import { messageOf } from "../lib/message-of.ts";
import {
  LEASE_BYTES,
  leaseFileName,
  listLeaseFiles,
  makeLeaseFolder,
  readLeases,
  removeExpiredLeases,
} from "./lease-files.ts";
import { leasePrefix } from "./lease-key.ts";
import { LeaseTable } from "./lease-table.ts";

/** After a failed write the next is tried this much later, so that a full disk costs no system call per answer. */
const RETRY_AFTER_MS = 1_000;
/** Leases that wait for a disk with room, at the most (8 MiB). */
const MAX_PENDING_WORDS = 2 * 1024 * 1024;
const DAY_MS = 86_400_000;

/** Options of {@link LeaseLog}. */
export interface LeaseLogOptions {
  /** Folder of the log files, made if missing; undefined: leases are kept in memory only. */
  folder: string | undefined;
  /** How long a lease holds at the least. Default: a day. */
  leaseMs?: number;
  logger: Logger;
  /** Milliseconds since 1970. */
  now?: () => number;
}

/**
 * What this process has leased, and what earlier and other processes had leased when it began. New leases are
 * appended to a file of its own, `<beginning of the span>-<random>.leases`, 8 bytes each (the high half first,
 * little-endian halves), so that they outlive the process: written, not synced, since what they guard against is a
 * crash of a process. Within a span of the table a key is written once.
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
  #file: { descriptor: number; spanStartMs: number } | undefined;
  #failedAtMs: number | undefined;

  constructor(options: LeaseLogOptions) {
    this.#folder = options.folder;
    this.#logger = options.logger;
    this.#now = options.now ?? Date.now;
    this.#table = new LeaseTable(options.leaseMs ?? DAY_MS, this.#now);
    if (this.#folder !== undefined) this.#load(this.#folder);
  }

  /** Some leases are in memory only, although there is a folder for them. */
  get incomplete(): boolean {
    return this.#failedAtMs !== undefined;
  }

  /** Remembers keys for the lease time; {@link flush} writes them. */
  lease(keys: readonly string[]): void {
    if (!this.#table.holds) return;
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
    this.#pending = this.#pending.slice(Math.floor(written / LEASE_BYTES) * 2);
    throw new Error(`only ${written} of ${bytes.length} bytes could be written`);
  }

  #openFile(folder: string): number {
    const { spanStartMs } = this.#table;
    if (this.#file !== undefined && this.#file.spanStartMs === spanStartMs) return this.#file.descriptor;
    this.#closeFile();
    this.#removeExpired(folder);
    const name = leaseFileName(spanStartMs, randomBytes(8).toString("hex"));
    const descriptor = openSync(join(folder, name), "ax", 0o600);
    this.#file = { descriptor, spanStartMs };
    return descriptor;
  }

  #closeFile(): void {
    const file = this.#file;
    this.#file = undefined;
    if (file !== undefined) closeSync(file.descriptor);
  }

  #load(folder: string): void {
    try {
      makeLeaseFolder(folder);
      this.#removeExpired(folder);
      for (const { name, spanStartMs } of listLeaseFiles(folder)) {
        readLeases(join(folder, name), 0, (prefix) => void this.#table.addAt(spanStartMs, prefix));
      }
    } catch (error) {
      this.#fail(error);
    }
  }

  #removeExpired(folder: string): void {
    removeExpiredLeases(folder, (spanStartMs) => this.#table.isExpired(spanStartMs));
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
