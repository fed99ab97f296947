import { join } from "node:path";
import type { Logger } from "../lib/logger.ts";
import { messageOf } from "../lib/message-of.ts";
import type { AuditRecord } from "./audit-record.ts";
import { LineFile } from "./line-file.ts";

/** The audit's folder, in a store's state folder. */
export const AUDIT_FOLDER = "audit";
/** The newest file in it. */
export const AUDIT_FILE = "audit.jsonl";
/** A line has some 400 bytes: some 160,000 changes in each of eleven files. */
const MAX_BYTES = 64 * 1024 * 1024;
const KEPT = 10;
/** Records that wait for a disk with room, at the most. */
const MAX_WAITING = 10_000;
/** After a failed write the next is tried this much later, so that a full disk costs no system call per request. */
const RETRY_AFTER_MS = 1_000;

/** Options of {@link AuditLog}. */
export interface AuditLogOptions {
  /** Made if it is missing. All workers of a server append to one file in it. */
  folder: string;
  logger: Logger;
  nowMs?: () => number;
  /** Other bounds, for tests. */
  maxBytes?: number;
  kept?: number;
  maxWaiting?: number;
}

/**
 * Writes down what clients, and commands, overwrite and delete. A record is written before the request is answered, in one write, but not
 * waited for on the disk: it outlives a crash of the process, not always one of the machine.
 *
 * Where the file cannot be written, nothing fails: the log says so once, so many records wait for room, and those
 * beyond are counted and lost, which the audit itself tells of later.
 */
export class AuditLog {
  readonly #file: LineFile;
  readonly #path: string;
  readonly #logger: Logger;
  readonly #nowMs: () => number;
  readonly #maxWaiting: number;
  #waiting: string[] = [];
  #lost = 0;
  #failedAtMs: number | undefined;
  #retry: NodeJS.Timeout | undefined;

  constructor(options: AuditLogOptions) {
    const { folder, logger, nowMs = Date.now, maxBytes = MAX_BYTES, kept = KEPT } = options;
    this.#path = join(folder, AUDIT_FILE);
    this.#file = new LineFile({ path: this.#path, maxBytes, kept });
    this.#logger = logger;
    this.#nowMs = nowMs;
    this.#maxWaiting = options.maxWaiting ?? MAX_WAITING;
  }

  /** Never throws. */
  append(record: Omit<AuditRecord, "schemaVersion" | "time">): void {
    const time = new Date(this.#nowMs()).toISOString();
    const line: AuditRecord = { schemaVersion: 1, time, ...record };
    if (this.#waiting.length >= this.#maxWaiting) this.#lost++;
    else this.#waiting.push(JSON.stringify(line));
    const isSoon =
      this.#failedAtMs !== undefined && Math.abs(this.#nowMs() - this.#failedAtMs) < RETRY_AFTER_MS;
    if (!isSoon) this.#write();
  }

  /** Waits until what was written is on the disk. Never throws. */
  sync(): void {
    try {
      this.#file.sync();
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Writes what is left and closes the file. */
  close(): void {
    clearTimeout(this.#retry);
    if (this.#waiting.length > 0 || this.#lost > 0) this.#write();
    clearTimeout(this.#retry);
    this.#file.close();
    const lost = this.#lost + this.#waiting.length;
    if (lost > 0) this.#logger.error("records of the audit are lost", { path: this.#path, records: lost });
  }

  #write(): void {
    try {
      while (this.#waiting.length > 0) this.#waiting.splice(0, this.#file.append(this.#waiting));
      if (this.#lost > 0) this.#file.append([this.#lostLine()]);
      if (this.#failedAtMs === undefined) return;
      this.#failedAtMs = undefined;
      this.#logger.info("the audit can be written again", { path: this.#path, lost: this.#lost });
      this.#lost = 0;
    } catch (error) {
      this.#fail(error);
    }
  }

  #lostLine(): string {
    const record: AuditRecord = {
      ...{ schemaVersion: 1, time: new Date(this.#nowMs()).toISOString(), action: "lost", repository: "" },
      count: this.#lost,
    };
    return JSON.stringify(record);
  }

  #fail(error: unknown): void {
    if (this.#failedAtMs === undefined) {
      const message = "the audit cannot be written: records wait until it can";
      this.#logger.error(message, { path: this.#path, error: messageOf(error) });
    }
    this.#failedAtMs = this.#nowMs();
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => this.#write(), RETRY_AFTER_MS);
    this.#retry.unref();
  }
}
