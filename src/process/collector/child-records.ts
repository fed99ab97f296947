import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { RegistryStateError } from "../../errors.ts";
import type { Logger } from "../../lib/logger.ts";
import { messageOf } from "../../lib/message-of.ts";
import { errorCodeOf } from "../../lib/system-error.ts";
import type { RunMachine } from "../machine/run-process.ts";

const FILE_NAME = /^\d{1,10}\.json$/;
/** Processes whose server is gone end by themselves; after this long they are ended. */
const END_WITHIN_MS = 10_000;
/** A process that waits for a disk that does not answer cannot be ended. */
const KILL_WITHIN_MS = 60_000;
const LOOK_EVERY_MS = 20;

/** A process, told apart from others that have its number. */
interface Identity {
  pid: number;
  start: string;
}

interface ChildRecord {
  bootId: string;
  pidNamespace: string;
  child: Identity;
  parent: Identity;
}

/** Options of {@link ChildRecords}. */
export interface ChildRecordsOptions {
  /** Of the store's state; made if it is missing. Undefined: nothing is written down. */
  folder: string | undefined;
  machine: Pick<RunMachine, "bootId" | "pidNamespace" | "pid" | "isAlive" | "startOf">;
  logger: Logger;
}

/**
 * Which processes work on the store for this server, written down before they begin: should the server be killed, the
 * next one has to wait until none of them can write or remove anything any more. They end by themselves when they lose
 * their server, unless they hang.
 */
export class ChildRecords {
  readonly #options: ChildRecordsOptions;
  /** Processes that could not be written down. */
  readonly #unknown = new Set<number>();

  constructor(options: ChildRecordsOptions) {
    this.#options = options;
  }

  /** Whether a server that comes after this one would know of all processes that work for it now. */
  get isComplete(): boolean {
    return this.#unknown.size === 0;
  }

  /** To be called before the process is told to begin. Where it cannot be written down, the log says so. */
  add(pid: number | undefined): void {
    const { folder, machine, logger } = this.#options;
    const child = pid === undefined ? undefined : identify(machine, pid);
    const parent = identify(machine, machine.pid);
    if (folder === undefined || child === undefined || parent === undefined) return;
    const { bootId, pidNamespace } = machine;
    const record: ChildRecord = { bootId, pidNamespace, child, parent };
    try {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      writeFileSync(pathOf(folder, child.pid), JSON.stringify(record), { mode: 0o600 });
    } catch (error) {
      this.#unknown.add(child.pid);
      logger.warn("it cannot be written down that a process works for this server", {
        pid: child.pid,
        error: messageOf(error),
      });
    }
  }

  /** The process has ended. */
  remove(pid: number | undefined): void {
    const { folder } = this.#options;
    if (folder === undefined || pid === undefined) return;
    this.#unknown.delete(pid);
    rmSync(pathOf(folder, pid), { force: true });
  }

  /**
   * Waits until all processes of servers that are dead have ended, and ends those that hang. Those of a server that lives
   * are left alone.
   *
   * @throws {RegistryStateError} if one cannot be ended
   */
  async endOrphans(waits = { endMs: END_WITHIN_MS, killMs: KILL_WITHIN_MS }): Promise<void> {
    const { folder, logger } = this.#options;
    if (folder === undefined) return;
    for (const name of namesIn(folder)) {
      const path = join(folder, name);
      const record = readRecord(path);
      if (record !== undefined && this.#isOfThisMachine(record)) {
        if (this.#lives(record.parent)) continue;
        await this.#endOrphan(record.child, waits, logger);
      }
      rmSync(path, { force: true });
    }
  }

  async #endOrphan(child: Identity, waits: { endMs: number; killMs: number }, logger: Logger): Promise<void> {
    const { pid } = child;
    if (await this.#hasEnded(child, waits.endMs)) return;
    logger.warn("a process of a server that is gone has not ended, and is killed", { pid });
    kill(pid);
    if (await this.#hasEnded(child, waits.killMs)) return;
    throw new RegistryStateError(`process ${pid} of a server that is gone cannot be ended`, {
      hint: "it waits for the disk of the store: look at that, or restart the machine",
    });
  }

  async #hasEnded(child: Identity, withinMs: number): Promise<boolean> {
    for (const endMs = performance.now() + withinMs; this.#lives(child); ) {
      if (performance.now() > endMs) return false;
      await sleep(LOOK_EVERY_MS);
    }
    return true;
  }

  #isOfThisMachine({ bootId, pidNamespace }: ChildRecord): boolean {
    const { machine } = this.#options;
    return bootId !== "" && bootId === machine.bootId && pidNamespace === machine.pidNamespace;
  }

  #lives({ pid, start }: Identity): boolean {
    const { machine } = this.#options;
    return machine.isAlive(pid) && machine.startOf(pid) === start;
  }
}

function identify(machine: ChildRecordsOptions["machine"], pid: number): Identity | undefined {
  const start = machine.startOf(pid);
  return start === undefined ? undefined : { pid, start };
}

function pathOf(folder: string, pid: number): string {
  return join(folder, `${pid}.json`);
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder).filter((name) => FILE_NAME.test(name));
  } catch (error) {
    if (errorCodeOf(error) === "ENOENT") return [];
    throw error;
  }
}

/** @returns undefined for what a crash has left half written: that process had not begun */
function readRecord(path: string): ChildRecord | undefined {
  try {
    const record = JSON.parse(readFileSync(path, "utf8")) as Partial<ChildRecord>;
    const { bootId, pidNamespace, child, parent } = record;
    if (typeof bootId !== "string" || typeof pidNamespace !== "string") return undefined;
    if (typeof child?.pid !== "number" || typeof parent?.pid !== "number") return undefined;
    return { bootId, pidNamespace, child, parent };
  } catch {
    return undefined;
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has just ended, or is another user's by now.
  }
}
