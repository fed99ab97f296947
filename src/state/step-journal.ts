import { closeSync, fsyncSync, mkdirSync, openSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { messageOf } from "../lib/message-of.ts";
import { listJournals } from "./journal-folder.ts";
import type { LockHolder } from "./store-lock.ts";

/** So many are kept of a kind. */
const KEPT_JOURNALS = 20;

/**
 * What a run changes, written down step by step before it is done: one JSON document a line, with what stood there before. A
 * process that is killed leaves what it has written, and the next run finds by itself what is still to be done.
 *
 * A journal that cannot be written (a full disk, a lost right) stops no run: `problem` tells why.
 */
export class StepJournal {
  readonly folder: string;
  #path: string | undefined;
  #file: number | undefined;
  #problem: string | undefined;

  /** @param folder - for the journals of one kind */
  constructor(folder: string) {
    this.folder = folder;
  }

  /** The file; undefined before `start`, or if it could not be made. */
  get path(): string | undefined {
    return this.#path;
  }

  /** Why it is incomplete; undefined if it is not. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /** Begins the journal of a run, and removes old ones. A second time it does nothing. */
  start(run: { command: string; version: string; startedAt: string; holder: LockHolder }): void {
    if (this.#file !== undefined || this.#problem !== undefined) return;
    const { host, bootId, pidNamespace, pid } = run.holder;
    const { command, version, startedAt } = run;
    try {
      mkdirSync(this.folder, { recursive: true, mode: 0o700 });
      for (const path of listJournals(this.folder).slice(0, 1 - KEPT_JOURNALS)) rmSync(path, { force: true });
      const path = join(this.folder, `${startedAt}-${pid}.journal`);
      this.#file = openSync(path, "a", 0o600);
      this.#path = path;
      this.write({ journal: { command, version, startedAt, host, bootId, pidNamespace, pid } });
      fsyncSync(this.#file);
    } catch (error) {
      this.#problem ??= messageOf(error);
    }
  }

  /** Appends a line. */
  write(line: Readonly<Record<string, unknown>>): void {
    if (this.#file === undefined || this.#problem !== undefined) return;
    try {
      const bytes = Buffer.from(`${JSON.stringify(line)}\n`);
      for (let done = 0; done < bytes.length; ) done += writeSync(this.#file, bytes, done);
    } catch (error) {
      this.#problem ??= messageOf(error);
    }
  }

  /** Ends the journal: a run whose journal has no such line was killed. */
  end(result: "done" | "stopped" | "failed"): void {
    if (this.#file === undefined) return;
    this.write({ end: result });
    try {
      fsyncSync(this.#file);
    } catch (error) {
      this.#problem ??= messageOf(error);
    }
    closeSync(this.#file);
    this.#file = undefined;
  }
}
