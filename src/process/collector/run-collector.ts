import { type ChildProcess, fork } from "node:child_process";
import { setPriority } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { LoadedConfig } from "../../config/settings.ts";
import type { CollectionEvent, CollectionRequest, Control, ServerStatus } from "../../control/protocol.ts";
import { RegistryStateError } from "../../errors.ts";
import type { Logger } from "../../lib/logger.ts";
import { type CollectorCommand, type CollectorOrder, parseCollectorMessage } from "./collector-messages.ts";

/** So much of what a collector says on its standard error is remembered, in characters. */
const STDERR_KEPT = 4096;
/** A collector that is asked to stop ends between two slices; after this long it is ended. */
const STOP_WITHIN_MS = 15_000;
const KILL_AFTER_MS = 5_000;
/** Requests come first. */
const NICE = 10;

/** Options of {@link CollectorRunner}. */
export interface CollectorRunnerOptions {
  /** Of the server; its collector must have the same. */
  version: string;
  /** What the server works with at this moment. */
  config: () => LoadedConfig;
  /** `--read-only-store`: nothing is collected. */
  readOnlyStore: boolean;
  /** Folder of the store's state; undefined: there is none. */
  stateFolder: string | undefined;
  /** See `openDriver`. */
  rateFolder: string | undefined;
  logger: Logger;
  /**
   * Puts the workers' barrier at the other end of a collector's channel. Called before the collector is told to begin;
   * its end is heard by the `exit` of the process.
   */
  attach: (collector: ChildProcess) => void;
  /** The program whose command `garbage-collect` is run. */
  program?: URL | undefined;
}

type Listener = (event: CollectionEvent) => void;

/** A collection under way. */
interface Run {
  readonly id: string;
  readonly startedAt: string;
  readonly startedMs: number;
  readonly by: string;
  readonly child: ChildProcess;
  readonly listeners: Set<Listener>;
  phase: string;
  progress: string | undefined;
  /** What it said last of itself; told when the process has ended. */
  result: CollectionEvent | undefined;
  stderr: string;
  /** Resolves when the process has ended and everybody has been told. */
  readonly ended: Promise<void>;
}

/**
 * The supervisor's half of a collection: runs the command `garbage-collect` in a process of its own, at low priority, with
 * a channel, and tells everybody who asks what it says. One at a time.
 */
export class CollectorRunner implements Pick<Control, "collect" | "followCollection" | "stopCollection"> {
  readonly #options: CollectorRunnerOptions;
  #run: Run | undefined;
  #isEnding = false;
  /** Why none may begin for now. */
  #paused: string | undefined;

  constructor(options: CollectorRunnerOptions) {
    this.#options = options;
  }

  /** The collection under way, for the server's status. */
  get current(): ServerStatus["collection"] {
    if (this.#run === undefined) return undefined;
    const { id, startedAt, phase, progress } = this.#run;
    return { id, startedAt, phase, ...(progress === undefined ? {} : { progress }) };
  }

  /** See {@link Control.collect}. @throws {RegistryStateError} if one is under way, or none may begin */
  async collect(request: CollectionRequest, onEvent: Listener): Promise<void> {
    this.#requireFree();
    if (this.#options.config().settings.storage.driver === "inmemory") {
      throw new RegistryStateError("a store in memory cannot be collected: no other process sees it", {
        hint: "restart the server to empty it",
      });
    }
    if (this.#options.readOnlyStore) {
      throw new RegistryStateError("the server runs with --read-only-store: it removes nothing", {
        hint: "start it without that option",
      });
    }
    if (this.#isEnding) throw new RegistryStateError("the server is ending, or leaving this store");
    if (this.#paused !== undefined) {
      throw new RegistryStateError(`no collection can begin now: ${this.#paused}`, {
        hint: "try again in a moment",
      });
    }
    await this.#start(request, onEvent).ended;
  }

  /** See {@link Control.followCollection}. */
  async followCollection(onEvent: Listener): Promise<boolean> {
    const run = this.#run;
    if (run === undefined) return false;
    const { id, child, progress } = run;
    tell(onEvent, { type: "started", id, pid: child.pid ?? 0 });
    if (progress !== undefined) tell(onEvent, { type: "progress", text: progress });
    run.listeners.add(onEvent);
    await run.ended;
    return true;
  }

  /** See {@link Control.stopCollection}. */
  async stopCollection(): Promise<boolean> {
    if (this.#run === undefined) return false;
    send(this.#run.child, { type: "collector-stop", isEnding: false });
    return true;
  }

  /** Begins no collection for a while. @param why - for people @returns how to end that */
  pause(why: string): () => void {
    this.#paused = why;
    return () => {
      this.#paused = undefined;
    };
  }

  /** To be called at the end of the server, and when it leaves the store: no collection begins any more, and the one under way ends. */
  async end(): Promise<void> {
    this.#isEnding = true;
    const run = this.#run;
    if (run === undefined) return;
    send(run.child, { type: "collector-stop", isEnding: true });
    const kill = async (): Promise<void> => {
      await sleep(STOP_WITHIN_MS, undefined, { ref: false });
      run.child.kill("SIGTERM");
      await sleep(KILL_AFTER_MS, undefined, { ref: false });
      run.child.kill("SIGKILL");
      await run.ended;
    };
    await Promise.race([run.ended, kill()]);
  }

  #requireFree(): void {
    const { current } = this;
    if (this.#options.stateFolder === undefined) {
      // A server that comes after this one could not know what was under way.
      throw new RegistryStateError(
        "this server has no state folder, so that it cannot collect while it serves",
        {
          hint: "start it with --state-dir FOLDER, or collect with --mode read-only",
        },
      );
    }
    if (current === undefined) return;
    throw new RegistryStateError(`this server is collecting already, since ${current.startedAt}`, {
      hint: "registry-ctl garbage-collect status says how far it is, garbage-collect stop ends it",
    });
  }

  #start({ options, by }: CollectionRequest, onEvent: Listener): Run {
    const program = this.#options.program ?? ownProgram();
    const child = fork(fileURLToPath(program), ["garbage-collect", ...options, "--collector"], {
      execArgv: [],
      stdio: ["ignore", "ignore", "pipe", "ipc"],
    });
    const startedMs = Date.now();
    const startedAt = new Date(startedMs).toISOString();
    let finish: () => void = () => {};
    const ended = new Promise<void>((resolve) => {
      finish = resolve;
    });
    const run: Run = {
      id: `${startedAt}-${child.pid ?? 0}`,
      startedAt,
      startedMs,
      by,
      child,
      listeners: new Set([onEvent]),
      phase: "starting",
      progress: undefined,
      result: undefined,
      stderr: "",
      ended,
    };
    this.#run = run;
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      run.stderr = (run.stderr + text).slice(-STDERR_KEPT);
    });
    child.on("message", (value: unknown) => this.#receive(run, value));
    let isOver = false;
    const over = (reason: string): void => {
      if (isOver) return;
      isOver = true;
      this.#ended(run, reason);
      finish();
    };
    // A process that never was one never exits.
    child.on("error", (error) => {
      if (child.pid === undefined) over(error.message);
    });
    child.on("close", (code: number | null, signal: string | null) =>
      over(signal === null ? `exit code ${code}` : `signal ${signal}`),
    );
    this.#options.attach(child);
    lowerPriority(child.pid);
    this.#options.logger.info("a collection begins", { id: run.id, pid: child.pid, by, options });
    tell(onEvent, { type: "started", id: run.id, pid: child.pid ?? 0 });
    return run;
  }

  #receive(run: Run, value: unknown): void {
    const message = parseCollectorMessage(value);
    switch (message?.type) {
      case "collector-booted":
        send(run.child, { type: "collector-start", order: this.#order(run) });
        break;
      case "collector-progress":
        run.phase = message.phase;
        run.progress = message.text;
        this.#tell(run, { type: "progress", text: message.text });
        break;
      case "collector-event":
        if (message.event.type === "report" || message.event.type === "failed") run.result = message.event;
        else this.#tell(run, message.event);
        break;
      default:
        break;
    }
  }

  #order({ by }: Run): CollectorOrder {
    const { version, config, stateFolder, rateFolder } = this.#options;
    return { version, config: config(), stateFolder, rateFolder, by, supervisorPid: process.pid };
  }

  #tell(run: Run, event: CollectionEvent): void {
    for (const listener of run.listeners) tell(listener, event);
  }

  #ended(run: Run, reason: string): void {
    const { logger } = this.#options;
    const { id } = run;
    const seconds = Math.round((Date.now() - run.startedMs) / 100) / 10;
    const result = run.result ?? died(reason, run.stderr);
    this.#run = undefined;
    if (result.type === "failed") {
      const { code, message, exitCode } = result;
      logger.error("the collection failed", { id, code, message, exitCode, seconds });
    } else if (result.type === "report") {
      logger.info("the collection has ended", { id, exitCode: result.exitCode, seconds });
    }
    this.#tell(run, result);
  }
}

function died(reason: string, stderr: string): CollectionEvent {
  const lines = stderr.trim().split("\n");
  const last = lines.find((line) => /^(?:unexpected )?error: /.test(line)) ?? lines.at(-1) ?? "";
  return {
    type: "failed",
    code: "ERR_COLLECTOR",
    message: `the collector ended too early (${reason})${last === "" ? "" : `: ${last}`}`,
    hint: "nothing is half done; run it again to finish",
    exitCode: 1,
  };
}

/** Whoever listens may be gone: that ends no collection. */
function tell(listener: Listener, event: CollectionEvent): void {
  try {
    listener(event);
  } catch {
    // See above.
  }
}

function send(child: ChildProcess, message: CollectorCommand): void {
  // One that is gone is heard of by its exit.
  if (child.connected) child.send(message, () => {});
}

/** Where the system does not allow it, the pauses between slices have to do. */
function lowerPriority(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    setPriority(pid, NICE);
  } catch {
    // See above.
  }
}

/** The program that this file belongs to; the compiled one, for a source file too. */
function ownProgram(): URL {
  return new URL("../../../bin/registry-ctl.js", import.meta.url);
}
