import cluster, { type Worker } from "node:cluster";
import { fileURLToPath } from "node:url";
import { RegistryCtlError } from "../errors.ts";
import type { Logger } from "../lib/logger.ts";
import type { ListenAddress } from "./listen-address.ts";
import {
  parseWorkerMessage,
  type StartOrder,
  type SupervisorMessage,
  type WorkerMessage,
} from "./messages.ts";
import { RespawnPolicy } from "./respawn-policy.ts";
import { fromStartFailure } from "./start-failure.ts";
import { UploadGrants } from "./upload-grants.ts";

/** A worker whose channel is closed must end by itself; after this long it is killed. */
const DISCONNECTED_KILL_MS = 2_000;
/** How much longer than `http.draintimeout` a worker may take to end. */
const DRAIN_KILL_MS = 10_000;

/**
 * A small nursery is emptied more often, and with it the received chunks that it holds on to. Measured: pushing
 * 3 GiB makes two workers grow by 12 to 44 MiB instead of 32 to 73; manifests a second stay the same.
 */
const WORKER_FLAGS = ["--max-semi-space-size=1"];

/** Options of {@link supervise}. */
export interface SupervisorOptions {
  order: StartOrder;
  /** How many workers; at least 1. */
  workers: number;
  logger: Logger;
  /** Asks for a drain and an end. */
  signal: AbortSignal;
  /**
   * Called once, when all workers listen.
   * @param holdUpload - keeps them from an upload that none of them writes; undefined if one does
   */
  onListening: (address: ListenAddress, holdUpload: (uuid: string) => (() => void) | undefined) => void;
  /** Program of a worker. */
  workerProgram?: URL;
}

interface WorkerState {
  worker: Worker;
  startedMs: number;
  ordered: boolean;
  listeningMs: number | undefined;
  failure: Error | undefined;
}

/**
 * Runs workers that share a listening socket, replaces those that die, decides which of them may write an upload,
 * and drains them at the end.
 *
 * The socket is shared by the system (`SCHED_NONE`): each worker accepts for itself. Measured with 2 workers: 98 to
 * 102 of 200 connections one after another, 225 to 175 of 400 at a time; passing each connection on from this
 * process instead evens that out and makes every connection pay for it.
 *
 * @returns when all workers have ended after `signal` was aborted
 * @throws {RegistryCtlError} if the workers cannot start, or die again and again at their start
 */
export async function supervise(options: SupervisorOptions): Promise<void> {
  await new Supervisor(options).run();
}

class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #logger: Logger;
  readonly #workers = new Map<number, WorkerState>();
  readonly #respawn = new RespawnPolicy();
  readonly #respawnTimers = new Set<NodeJS.Timeout>();
  readonly #uploads = new UploadGrants((worker, message) => this.#send(worker, message));
  /** Where workers are told to listen. */
  #address: ListenAddress;
  /** Where they do. */
  #bound: ListenAddress | undefined;
  #announced = false;
  #stopping = false;
  #failure: Error | undefined;
  #finish: () => void = () => {};

  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.#logger = options.logger;
    this.#address = options.order.address;
  }

  async run(): Promise<void> {
    const { signal, workers } = this.#options;
    const finished = new Promise<void>((resolve) => {
      this.#finish = resolve;
    });
    cluster.schedulingPolicy = cluster.SCHED_NONE;
    const program = this.#options.workerProgram ?? ownWorkerProgram();
    cluster.setupPrimary({
      exec: fileURLToPath(program),
      args: [],
      execArgv: [...process.execArgv, ...WORKER_FLAGS],
    });
    const onAbort = () => this.#stop();
    signal.addEventListener("abort", onAbort);
    try {
      for (let count = 0; count < workers; count++) this.#fork();
      if (signal.aborted) this.#stop();
      await finished;
    } finally {
      signal.removeEventListener("abort", onAbort);
    }
    if (this.#failure !== undefined) throw this.#failure;
  }

  #fork(): void {
    let worker: Worker;
    try {
      worker = cluster.fork();
    } catch (cause) {
      // Out of memory or of file descriptors. Others may serve meanwhile.
      const failure = new RegistryCtlError("ERR_WORKER", "cannot start a worker", { cause });
      this.#logger.error(failure.message, { error: cause });
      if (this.#workers.size === 0) this.#giveUp(failure);
      else this.#forkAfter(this.#respawn.delayAfterDeath(Date.now(), undefined));
      return;
    }
    const state: WorkerState = {
      worker,
      startedMs: Date.now(),
      ordered: false,
      listeningMs: undefined,
      failure: undefined,
    };
    this.#workers.set(worker.id, state);
    worker.on("message", (value: unknown) => this.#receive(state, value));
    worker.on("error", (error) => this.#onError(state, error));
    worker.on("disconnect", () => {
      setTimeout(() => worker.process.kill("SIGKILL"), DISCONNECTED_KILL_MS).unref();
    });
    worker.on("exit", (code: number | null, signal: string | null) => this.#ended(state, code, signal));
  }

  #onError(state: WorkerState, error: Error): void {
    if (state.worker.process.pid !== undefined) {
      this.#logger.error("a worker cannot be reached", { worker: state.worker.id, error: error.message });
      return;
    }
    // It never was a process, so it never exits.
    state.failure = new RegistryCtlError("ERR_WORKER", `cannot start a worker: ${error.message}`, {
      cause: error,
      hint: `make sure that the registry's user may run ${process.execPath}, and read this program`,
    });
    this.#ended(state, null, null);
  }

  #receive(state: WorkerState, value: unknown): void {
    const { id } = state.worker;
    let message: WorkerMessage;
    try {
      message = parseWorkerMessage(value);
    } catch (error) {
      this.#logger.error("a worker said what nobody understands", { worker: id, error });
      return;
    }
    switch (message.type) {
      case "booted":
        this.#start(state);
        break;
      case "listening":
        this.#listening(state, message.address);
        break;
      case "failed":
        state.failure = fromStartFailure(message.failure);
        break;
      case "upload-acquire":
        this.#uploads.acquire(id, message.id, message.uuid);
        break;
      case "upload-release":
        this.#uploads.release(id, message.id, message.hashed);
        break;
      case "pin-question":
        // Always right: the worker looks again when the slice is withdrawn.
        this.#send(id, { type: "pin-answer", id: message.id, answer: "wait" });
        break;
      case "slice-reply":
        break;
    }
  }

  #start(state: WorkerState): void {
    // An order that was sent before the worker began to read is lost, the order to end too.
    if (this.#stopping) {
      this.#send(state.worker.id, { type: "drain" });
      return;
    }
    // With its last worker the shared socket is closed. Where the system had chosen the port, keep to that one.
    const isShared = [...this.#workers.values()].some((other) => other.ordered);
    if (this.#bound !== undefined && !isShared) this.#address = this.#bound;
    state.ordered = true;
    this.#send(state.worker.id, { type: "start", order: { ...this.#options.order, address: this.#address } });
  }

  #listening(state: WorkerState, address: ListenAddress): void {
    this.#bound = address;
    state.listeningMs = Date.now();
    const fields = { worker: state.worker.id, pid: state.worker.process.pid };
    if (this.#announced) this.#logger.info("worker replaced", fields);
    else this.#logger.debug("worker listens", fields);
    const listening = [...this.#workers.values()].filter((each) => each.listeningMs !== undefined).length;
    if (this.#announced || listening < this.#options.workers) return;
    this.#announced = true;
    this.#options.onListening(address, (uuid) => this.#uploads.holdIfFree(uuid));
  }

  #ended(state: WorkerState, code: number | null, signal: string | null): void {
    const { worker } = state;
    if (!this.#workers.delete(worker.id)) return;
    this.#uploads.workerEnded(worker.id);
    if (this.#stopping) {
      if (this.#workers.size === 0) this.#finish();
      return;
    }
    const reason = state.failure?.message ?? (signal === null ? `exit code ${code}` : `signal ${signal}`);
    if (!this.#announced && state.failure !== undefined) {
      this.#giveUp(state.failure);
      return;
    }
    this.#logger.error("worker died", { worker: worker.id, pid: worker.process.pid, reason });
    const delayMs = this.#respawn.delayAfterDeath(state.startedMs, state.listeningMs);
    const othersServe = [...this.#workers.values()].some((each) => each.listeningMs !== undefined);
    if (this.#respawn.isHopeless && !othersServe) {
      this.#giveUp(
        state.failure ??
          new RegistryCtlError("ERR_WORKER", `the workers die again and again at their start: ${reason}`, {
            hint: "see the log above",
          }),
      );
      return;
    }
    this.#forkAfter(delayMs);
  }

  #forkAfter(delayMs: number): void {
    const timer = setTimeout(() => {
      this.#respawnTimers.delete(timer);
      this.#fork();
    }, delayMs);
    this.#respawnTimers.add(timer);
  }

  #giveUp(failure: Error): void {
    this.#failure = failure;
    this.#stop();
  }

  #stop(): void {
    if (this.#stopping) return;
    this.#stopping = true;
    for (const timer of this.#respawnTimers) clearTimeout(timer);
    for (const id of this.#workers.keys()) this.#send(id, { type: "drain" });
    if (this.#workers.size === 0) this.#finish();
    const { drainTimeoutMs } = this.#options.order.settings.http;
    if (drainTimeoutMs === 0) return;
    setTimeout(() => {
      for (const { worker } of this.#workers.values()) worker.process.kill("SIGKILL");
    }, drainTimeoutMs + DRAIN_KILL_MS).unref();
  }

  #send(id: number, message: SupervisorMessage): void {
    const worker = this.#workers.get(id)?.worker;
    // A worker that is gone is heard of by its exit.
    if (worker?.isConnected()) worker.send(message, () => {});
  }
}

/** The compiled program beside the compiled supervisor, or the source beside the source. */
function ownWorkerProgram(): URL {
  return new URL(import.meta.url.endsWith(".ts") ? "./worker.ts" : "./worker.js", import.meta.url);
}
