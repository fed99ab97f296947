import { closeSync, fsyncSync, mkdirSync, openSync, rmSync, statSync, writeSync } from "node:fs";
import { join } from "node:path";
import { messageOf } from "../lib/message-of.ts";
import { listJournals } from "./journal-folder.ts";
import type { LockHolder } from "./store-lock.ts";

/** Journals of so many runs are kept. */
const KEPT_JOURNALS = 10;
/** Those of earlier runs take no more room than this; a step takes about 150 bytes. */
const MAX_KEPT_BYTES = 256 * 1024 * 1024;

/** Where a {@link GarbageJournal} is written, and what it tells of the program. */
export interface JournalOptions {
  /** Folder of the journals of one store; made if it is missing. */
  folder: string;
  /** Of this program. */
  version: string;
}

/** What stands in the first line. */
export interface JournalHeader {
  version: string;
  command: string;
  /** What the run was asked to do. */
  options: Readonly<Record<string, unknown>>;
  host: string;
  bootId: string;
  pidNamespace: string;
  pid: number;
  /** ISO 8601, UTC. */
  startedAt: string;
}

/** How a run ended that was not killed. */
export type JournalEnd = "done" | "stopped" | "failed";

/** One batch of deletions. */
export interface JournalBatch {
  /** Number within the run. */
  batch: number;
  phase: string;
  paths: readonly string[];
}

/**
 * What a collection removes, written down before it is removed: one JSON document a line. A process that is killed
 * leaves what it has written; nothing is synced for each batch, as a power cut only costs a search for empty folders.
 *
 * A journal that cannot be written (a full disk, a lost right) stops no run: `problem` tells why, and what is called
 * from then on does nothing, save that `end` tries to write its line.
 */
export class GarbageJournal {
  readonly folder: string;
  readonly #version: string;
  #path: string | undefined;
  #file: number | undefined;
  #problem: string | undefined;

  constructor(options: JournalOptions) {
    this.folder = options.folder;
    this.#version = options.version;
  }

  /** The file; undefined before `start`, or if it could not be made. */
  get path(): string | undefined {
    return this.#path;
  }

  /** Why it is incomplete; undefined if it is not. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /** Begins the journal of a run, and removes old ones. */
  start(run: { startedAt: string; options: Readonly<Record<string, unknown>>; holder: LockHolder }): void {
    const { host, bootId, pidNamespace, pid } = run.holder;
    const header: JournalHeader = {
      version: this.#version,
      command: "garbage-collect",
      options: run.options,
      host,
      bootId,
      pidNamespace,
      pid,
      startedAt: run.startedAt,
    };
    try {
      mkdirSync(this.folder, { recursive: true, mode: 0o700 });
      removeOld(this.folder);
      const path = join(this.folder, `${run.startedAt}-${pid}.journal`);
      this.#file = openSync(path, "a", 0o600);
      this.#path = path;
      this.#write({ journal: header });
      fsyncSync(this.#file);
      syncFolder(this.folder);
    } catch (error) {
      this.#fail(error);
    }
  }

  /** To be called before the files of a batch are removed. */
  beginBatch({ batch, phase, paths }: JournalBatch): void {
    this.#append({ batch, phase, paths });
  }

  /** To be called when all of a batch is done. */
  endBatch(batch: number, result: { deleted: number; failed: number }): void {
    this.#append({ done: batch, ...result });
  }

  /** Ends the journal: a run whose journal has no such line was killed. */
  end(result: JournalEnd): void {
    if (this.#file === undefined) return;
    try {
      // A line of its own even if the last write stopped midway.
      if (this.#problem !== undefined) writeSync(this.#file, "\n");
      this.#write({ end: result });
      fsyncSync(this.#file);
    } catch (error) {
      this.#fail(error);
    }
    closeSync(this.#file);
    this.#file = undefined;
  }

  #append(line: object): void {
    if (this.#file === undefined || this.#problem !== undefined) return;
    try {
      this.#write(line);
    } catch (error) {
      this.#fail(error);
    }
  }

  #write(line: object): void {
    if (this.#file === undefined) return;
    const bytes = Buffer.from(`${JSON.stringify(line)}\n`);
    for (let done = 0; done < bytes.length; ) done += writeSync(this.#file, bytes, done);
  }

  #fail(error: unknown): void {
    this.#problem ??= messageOf(error);
  }
}

function removeOld(folder: string): void {
  try {
    let keptBytes = 0;
    for (const [index, path] of listJournals(folder).reverse().entries()) {
      keptBytes += statSync(path, { throwIfNoEntry: false })?.size ?? 0;
      const isKept = index < KEPT_JOURNALS - 1 && (index === 0 || keptBytes <= MAX_KEPT_BYTES);
      if (!isKept) rmSync(path, { force: true });
    }
  } catch {
    // They take room, nothing worse.
  }
}

function syncFolder(folder: string): void {
  const file = openSync(folder, "r");
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
