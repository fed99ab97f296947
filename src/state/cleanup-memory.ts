import { join } from "node:path";
import { RegistryStateError } from "../errors.ts";
import { messageOf } from "../lib/message-of.ts";
import { readPlainFile } from "../lib/read-plain-file.ts";
import { lockFile } from "./file-lock.ts";
import { asRecord, isText, isTime } from "./json-fields.ts";
import { writeStateFile } from "./state-file.ts";
import type { LockHolder } from "./store-lock.ts";

/** The file, in a store's state folder. */
export const CLEANUP_FILE = "cleanup.json";
/** A project has some 100 bytes in it. */
const MAX_BYTES = 64 * 1024 * 1024;
const LOCK_TIMEOUT_MS = 40_000;
/** What was not written yet is done once more by the next run; a large file is not written for every repository. */
const WRITE_EVERY_MS = 1000;
/** Longer than every cadence: a policy that has not run for so long is due, whether its last run is remembered or not. */
const FORGOTTEN_AFTER_MS = 366 * 86_400_000;

/** When a project's policy ran last. */
export interface ProjectRun {
  /** When it began, in milliseconds since 1970. */
  ranAtMs: number;
  /** Something was left over, which the next run is to go on with whatever the cadence says. */
  isUnfinished: boolean;
}

/** Another run of policies works on the same store. */
export class CleanupRunningError extends RegistryStateError {
  override readonly name: string = "CleanupRunningError";
}

/** A process that may run policies. */
export interface CleanupRunner extends LockHolder {
  /** @returns a text that is another one for each process that ever had this number since the machine started */
  startOf: (pid: number) => string | undefined;
}

/** Options of {@link CleanupMemory}. */
export interface CleanupMemoryOptions {
  /** The store's state folder; undefined: there is none, and nothing is remembered. */
  folder: string | undefined;
  /** Told, in a sentence, what cannot be read or written. That keeps no run from its work. */
  onProblem: (problem: string) => void;
  nowMs?: () => number;
}

/**
 * What runs of cleanup policies remember of the ones before: when each project had its turn, and where in a repository's list of tags one
 * that was cut ended. What no run has come back to for a year is forgotten, as that of projects without a policy or without repositories.
 * It is one small file, replaced as a whole; only the run that has claimed it writes it.
 */
export class CleanupMemory {
  readonly #options: CleanupMemoryOptions;
  readonly #nowMs: () => number;
  readonly #projects = new Map<string, ProjectRun>();
  readonly #continuing = new Map<string, ListPlace>();
  #holder: CleanupRunner | undefined;
  #writtenMs = 0;

  /** Reads what is there. */
  constructor(options: CleanupMemoryOptions) {
    this.#options = options;
    this.#nowMs = options.nowMs ?? Date.now;
    this.#load();
  }

  /** @returns undefined if its policy never ran */
  lastRunOf(project: string): ProjectRun | undefined {
    return this.#projects.get(project);
  }

  /** @returns the last name of the tags that the run before looked at, if it did not come to the end of the list */
  continueAfter(repository: string): string | undefined {
    return this.#continuing.get(repository)?.name;
  }

  /**
   * Makes this process the one that runs policies on the store, until {@link release}. One that was killed has no claim any more.
   *
   * @throws {CleanupRunningError} if another process of this machine does
   */
  async claim(holder: CleanupRunner): Promise<void> {
    const path = this.#path;
    if (path === undefined) return;
    await this.#withLock(path, () => {
      const other = this.#load();
      if (other !== undefined && isRunning(other, holder)) {
        throw new CleanupRunningError(`process ${other.pid} is running cleanup policies on this store`, {
          hint: "wait for its end; --skip-if-locked makes a cron line do nothing meanwhile",
        });
      }
      this.#holder = holder;
      this.#write();
    });
  }

  /** Remembers that a project's policy has run. */
  setProject(project: string, run: ProjectRun): void {
    this.#projects.set(project, run);
    this.#writeSoon();
  }

  /** Remembers where the next run is to go on in a repository; undefined: at the beginning. */
  setContinuing(repository: string, name: string | undefined): void {
    if (name === undefined && !this.#continuing.has(repository)) return;
    if (name === undefined) this.#continuing.delete(repository);
    else this.#continuing.set(repository, { name, atMs: this.#nowMs() });
    this.#writeSoon();
  }

  /** Writes what is not written yet and gives up the claim. Never throws. */
  release(): void {
    if (this.#holder === undefined) return;
    this.#holder = undefined;
    this.#tryWrite();
  }

  #writeSoon(): void {
    if (this.#holder !== undefined && Math.abs(this.#nowMs() - this.#writtenMs) >= WRITE_EVERY_MS)
      this.#tryWrite();
  }

  #tryWrite(): void {
    try {
      this.#write();
    } catch (error) {
      this.#options.onProblem(
        `${CLEANUP_FILE} cannot be written (${messageOf(error)}): the next run begins anew`,
      );
    }
  }

  #write(): void {
    const { folder } = this.#options;
    if (folder === undefined) return;
    const holder = this.#holder;
    const run = holder && {
      host: holder.host,
      bootId: holder.bootId,
      pidNamespace: holder.pidNamespace,
      pid: holder.pid,
      start: holder.startOf(holder.pid) ?? "",
    };
    this.#forgetOld();
    const continuing = [...this.#continuing].map(([repository, { name, atMs }]) => [
      repository,
      { name, at: new Date(atMs).toISOString() },
    ]);
    const projects = [...this.#projects].map(([project, { ranAtMs, isUnfinished }]) => [
      project,
      { ranAt: new Date(ranAtMs).toISOString(), ...(isUnfinished ? { unfinished: true } : {}) },
    ]);
    const content = {
      schemaVersion: 1,
      ...(run === undefined ? {} : { run }),
      projects: Object.fromEntries(projects),
      continueAfter: Object.fromEntries(continuing),
    };
    writeStateFile(folder, CLEANUP_FILE, `${JSON.stringify(content)}\n`);
    this.#writtenMs = this.#nowMs();
  }

  #forgetOld(): void {
    const nowMs = this.#nowMs();
    // A clock may have been wrong, in either direction.
    const isOld = (ms: number): boolean => Math.abs(nowMs - ms) > FORGOTTEN_AFTER_MS;
    for (const [project, { ranAtMs }] of this.#projects) if (isOld(ranAtMs)) this.#projects.delete(project);
    for (const [repository, { atMs }] of this.#continuing)
      if (isOld(atMs)) this.#continuing.delete(repository);
  }

  async #withLock(path: string, work: () => void): Promise<void> {
    try {
      const signal = new AbortController().signal;
      const release = await lockFile(path, { signal, timeoutMs: LOCK_TIMEOUT_MS });
      try {
        work();
      } finally {
        release?.();
      }
    } catch (error) {
      if (error instanceof RegistryStateError) throw error;
      this.#holder = undefined;
      this.#options.onProblem(
        `${path} cannot be written (${messageOf(error)}): nothing is remembered of this run`,
      );
    }
  }

  get #path(): string | undefined {
    const { folder } = this.#options;
    return folder === undefined ? undefined : join(folder, CLEANUP_FILE);
  }

  /** @returns the process that has claimed it */
  #load(): RunClaim | undefined {
    const path = this.#path;
    if (path === undefined) return undefined;
    this.#projects.clear();
    this.#continuing.clear();
    let fields: Record<string, unknown> | undefined;
    try {
      const file = readPlainFile(path, MAX_BYTES);
      if (file === undefined) return undefined;
      fields = file === null ? undefined : asRecord(JSON.parse(file.text));
    } catch (error) {
      this.#options.onProblem(
        `${path} cannot be read (${messageOf(error)}): it counts as if no policy had run`,
      );
      return undefined;
    }
    if (fields?.["schemaVersion"] !== 1) {
      this.#options.onProblem(`${path} is damaged: it counts as if no policy had run`);
      return undefined;
    }
    for (const [project, value] of Object.entries(asRecord(fields["projects"]) ?? {})) {
      const run = asRecord(value);
      const ranAt = run?.["ranAt"];
      if (!isTime(ranAt)) continue;
      this.#projects.set(project, { ranAtMs: Date.parse(ranAt), isUnfinished: run?.["unfinished"] === true });
    }
    for (const [repository, value] of Object.entries(asRecord(fields["continueAfter"]) ?? {})) {
      const { name, at } = asRecord(value) ?? {};
      if (isText(name) && isTime(at)) this.#continuing.set(repository, { name, atMs: Date.parse(at) });
    }
    return parseClaim(asRecord(fields["run"]));
  }
}

/** Where a list of tags was cut, and when. */
interface ListPlace {
  name: string;
  atMs: number;
}

type RunClaim = Pick<LockHolder, "host" | "bootId" | "pidNamespace" | "pid"> & { start: string };

function parseClaim(fields: Record<string, unknown> | undefined): RunClaim | undefined {
  const { host, bootId, pidNamespace, pid, start } = fields ?? {};
  if (!isText(host) || !isText(bootId) || !isText(pidNamespace) || !isText(start)) return undefined;
  return typeof pid === "number" ? { host, bootId, pidNamespace, pid, start } : undefined;
}

/** A process of another machine cannot be asked; two runs at a time do no harm, they only do the same twice. */
function isRunning(other: RunClaim, self: CleanupRunner): boolean {
  const isHere =
    other.host === self.host && other.bootId === self.bootId && other.pidNamespace === self.pidNamespace;
  if (!isHere || other.pid === self.pid || !self.isAlive(other.pid)) return false;
  return (self.startOf(other.pid) ?? "") === other.start;
}
