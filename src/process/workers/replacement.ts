import { RegistryCtlError } from "../../errors.ts";
import type { StartOrder } from "./messages.ts";
import { isServing, type WorkerState } from "./worker-state.ts";

/** New workers must serve within this time, or the old ones stay. */
const SERVE_WITHIN_MS = 60_000;

/**
 * New workers on their way to take the place of the old ones: all of them or none. Old and new ones listen on the same
 * socket of the system, so that no connection is refused between.
 */
export class Replacement {
  /** What the new workers are told to serve. */
  readonly order: StartOrder;
  /** Resolves when all new ones serve. */
  readonly ready: Promise<void>;
  readonly #wanted: number;
  readonly #fresh = new Set<WorkerState>();
  readonly #timer: NodeJS.Timeout;
  #resolve: () => void = () => {};
  #reject: (error: Error) => void = () => {};

  /** @param wanted - how many workers there are to be */
  constructor(order: StartOrder, wanted: number) {
    this.order = order;
    this.#wanted = wanted;
    this.ready = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    // Maybe nobody waits for it yet, or any more.
    this.ready.catch(() => undefined);
    this.#timer = setTimeout(() => {
      const late = `the new workers do not listen after ${SERVE_WITHIN_MS / 1000} s`;
      this.fail(new RegistryCtlError("ERR_WORKER", late, { hint: "see the server's log" }));
    }, SERVE_WITHIN_MS);
  }

  /** The new workers that live. */
  get fresh(): ReadonlySet<WorkerState> {
    return this.#fresh;
  }

  /** To be called for each new worker, before it can be heard of. */
  add(state: WorkerState): void {
    this.#fresh.add(state);
  }

  /** A worker serves. */
  listening(state: WorkerState): void {
    if (!this.#fresh.has(state)) return;
    if ([...this.#fresh].filter(isServing).length < this.#wanted) return;
    this.#resolve();
  }

  /** A worker has ended. @returns whether it was one of the new ones: then nothing comes of them */
  ended(state: WorkerState, reason: string): boolean {
    if (!this.#fresh.delete(state)) return false;
    const died = new RegistryCtlError("ERR_WORKER", `a new worker died at its start: ${reason}`);
    this.fail(state.failure ?? died);
    return true;
  }

  /** Nothing comes of the new workers. */
  fail(error: Error): void {
    this.#reject(error);
  }

  /** To be called when it is known what became of it. */
  over(): void {
    clearTimeout(this.#timer);
  }
}
