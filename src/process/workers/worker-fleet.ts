import cluster, { type Worker } from "node:cluster";
import { fileURLToPath } from "node:url";
import { RegistryCtlError } from "../../errors.ts";
import type { Logger } from "../../lib/logger.ts";
import {
  parseWorkerMessage,
  type StartOrder,
  type SupervisorMessage,
  type WorkerMessage,
} from "./messages.ts";
import { onceHeardOut } from "./once-heard-out.ts";
import type { WorkerSeat } from "./worker-seat.ts";
import { isServing, newWorkerState, sendToWorker, type WorkerState } from "./worker-state.ts";

/** A worker whose channel is closed must end by itself; after this long it is killed. */
const DISCONNECTED_KILL_MS = 2_000;

/**
 * A small nursery is emptied more often, and with it the received chunks that it holds on to. Measured: pushing
 * 3 GiB makes two workers grow by 12 to 44 MiB instead of 32 to 73; manifests a second stay the same.
 */
const WORKER_FLAGS = ["--max-semi-space-size=1"];

/** Options of {@link WorkerFleet}. */
export interface WorkerFleetOptions {
  logger: Logger;
  onMessage: (state: WorkerState, message: WorkerMessage) => void;
  /** Called once for each worker, when it is not among the others any more. */
  onEnded: (state: WorkerState, reason: string) => void;
  /** Called after that, when all that it had said has been heard too. */
  onHeardOut: (state: WorkerState) => void;
  /** Program of a worker. */
  workerProgram?: URL | undefined;
}

/** The worker processes that live. */
export class WorkerFleet {
  readonly #options: WorkerFleetOptions;
  readonly #workers = new Map<number, WorkerState>();

  constructor(options: WorkerFleetOptions) {
    this.#options = options;
    // Each worker accepts for itself.
    cluster.schedulingPolicy = cluster.SCHED_NONE;
    cluster.setupPrimary({
      exec: fileURLToPath(options.workerProgram ?? ownWorkerProgram()),
      args: [],
      execArgv: [...process.execArgv, ...WORKER_FLAGS],
    });
  }

  get size(): number {
    return this.#workers.size;
  }

  all(): WorkerState[] {
    return [...this.#workers.values()];
  }

  /** Those that have begun to serve; the others will hear of everything with their order. */
  ordered(): WorkerState[] {
    return this.all().filter((state) => state.ordered);
  }

  /** Those that take connections. */
  serving(): WorkerState[] {
    return this.all().filter(isServing);
  }

  /**
   * Starts a worker.
   *
   * @param order - what it is to serve, in the place of what all others do
   * @param seat - of the store that it is to serve
   * @throws {RegistryCtlError} if there is no room for another process
   */
  fork(order: StartOrder | undefined, seat: WorkerSeat): WorkerState {
    let worker: Worker;
    try {
      worker = cluster.fork();
    } catch (cause) {
      const failure = new RegistryCtlError("ERR_WORKER", "cannot start a worker", { cause });
      this.#options.logger.error(failure.message, { error: cause });
      throw failure;
    }
    const state = newWorkerState(worker, order, seat);
    this.#workers.set(worker.id, state);
    worker.on("message", (value: unknown) => this.#receive(state, value));
    worker.on("error", (error) => this.#onError(state, error));
    worker.on("disconnect", () => {
      setTimeout(() => worker.process.kill("SIGKILL"), DISCONNECTED_KILL_MS).unref();
    });
    worker.on("exit", (code: number | null, signal: string | null) => {
      this.#ended(state, signal === null ? `exit code ${code}` : `signal ${signal}`);
    });
    onceHeardOut(worker, () => this.#options.onHeardOut(state));
    return state;
  }

  /** Puts a message into the channel of a worker, by its number. */
  send(id: number, message: SupervisorMessage): void {
    const state = this.#workers.get(id);
    if (state !== undefined) sendToWorker(state, message);
  }

  #receive(state: WorkerState, value: unknown): void {
    let message: WorkerMessage;
    try {
      message = parseWorkerMessage(value);
    } catch (error) {
      this.#options.logger.error("a worker said what nobody understands", { worker: state.worker.id, error });
      return;
    }
    this.#options.onMessage(state, message);
  }

  #onError(state: WorkerState, error: Error): void {
    const { worker } = state;
    if (worker.process.pid !== undefined) {
      this.#options.logger.error("a worker cannot be reached", { worker: worker.id, error: error.message });
      return;
    }
    // It never was a process, so it never exits.
    state.failure = new RegistryCtlError("ERR_WORKER", `cannot start a worker: ${error.message}`, {
      cause: error,
      hint: `make sure that the registry's user may run ${process.execPath}, and read this program`,
    });
    this.#ended(state, error.message);
  }

  #ended(state: WorkerState, reason: string): void {
    if (!this.#workers.delete(state.worker.id)) return;
    this.#options.onEnded(state, state.failure?.message ?? reason);
  }
}

/** The compiled program beside the compiled supervisor, or the source beside the source. */
function ownWorkerProgram(): URL {
  return new URL(import.meta.url.endsWith(".ts") ? "./worker.ts" : "./worker.js", import.meta.url);
}
