import type { TagSetRequest } from "../../control/protocol.ts";
import { RegistryCtlError, RegistryStateError } from "../../errors.ts";
import type { HeldName } from "../../lib/held-name.ts";
import type { ServerLoad, SupervisorQuestion, WorkerAnswer } from "./messages.ts";
import { fromStartFailure } from "./start-failure.ts";
import { sendToWorker, type WorkerState } from "./worker-state.ts";

/** One that says nothing of its load is shown without one. */
const LOAD_WITHIN_MS = 2_000;
/** Beyond the time that writes are given: what was cut off has to be put away. */
const ACKNOWLEDGE_WITHIN_MS = 60_000;

/** What it needs may be condemned by a collector just now, and the store slow. */
const SET_TAG_WITHIN_MS = 10 * 60_000;

interface Open {
  /** Workers that have not answered. */
  waiting: Set<WorkerState>;
  answers: Map<WorkerState, WorkerAnswer>;
  finish: () => void;
}

/** Who has answered what; one who is in neither has ended meanwhile. */
interface Answers {
  answers: ReadonlyMap<WorkerState, WorkerAnswer>;
  late: readonly WorkerState[];
}

/** Questions to several workers at once. One that ends needs to answer no more. */
export class WorkerQuestions {
  readonly #open = new Map<number, Open>();
  #lastId = 0;

  /** @returns what workers are busy with, as far as they say so soon */
  async loads(workers: readonly WorkerState[]): Promise<ReadonlyMap<WorkerState, ServerLoad>> {
    const { answers } = await this.#ask(workers, LOAD_WITHIN_MS, (id) => ({ type: "load", id }));
    return new Map(
      [...answers].flatMap(([worker, { load }]) => (load === undefined ? [] : [[worker, load]])),
    );
  }

  /** See `ServingHost.setReadOnly`. @throws {RegistryStateError} if one fails or does not answer */
  setReadOnly(workers: readonly WorkerState[], on: boolean, drainMs: number): Promise<number> {
    return this.#settle(workers, drainMs, `are ${on ? "read-only" : "read-write"}`, (id) => {
      return { type: "read-only", id, on, drainMs };
    });
  }

  /** See `ServingHost.holdNames`. @throws {RegistryStateError} if one fails or does not answer */
  holdNames(workers: readonly WorkerState[], names: readonly HeldName[], drainMs: number): Promise<number> {
    const wanted = names.length > 0 ? "hold the names" : "have let go of the names";
    return this.#settle(workers, drainMs, wanted, (id) => {
      return { type: "hold-names", id, names, drainMs };
    });
  }

  /** @param wanted - what all of them should do, for people */
  async #settle(
    workers: readonly WorkerState[],
    drainMs: number,
    wanted: string,
    question: (id: number) => SupervisorQuestion,
  ): Promise<number> {
    const { answers, late } = await this.#ask(workers, drainMs + ACKNOWLEDGE_WITHIN_MS, question);
    const failures = [...answers.values()].flatMap(({ failure }) => failure ?? []);
    for (const { worker } of late) failures.push(`process ${worker.process.pid} does not answer`);
    if (failures.length > 0) {
      throw new RegistryStateError(`not all workers ${wanted}: ${failures.join(", ")}`, {
        hint: "see the server's log, or restart the server",
      });
    }
    return [...answers.values()].reduce((sum, { cutOff = 0 }) => sum + cutOff, 0);
  }

  /** Has workers forget what they remember of the store's content. */
  async flushCaches(workers: readonly WorkerState[]): Promise<void> {
    await this.#ask(workers, ACKNOWLEDGE_WITHIN_MS, (id) => ({ type: "flush-caches", id }));
  }

  /**
   * Has one worker point a tag to a manifest.
   *
   * @param worker - undefined: there is none
   *
   * @throws {RegistryCtlError} why it does not, or that nobody knows whether it did
   */
  async setTag(worker: WorkerState | undefined, request: TagSetRequest): Promise<void> {
    if (worker === undefined) {
      throw new RegistryStateError("no process of the server serves at this moment", {
        hint: "try again in a moment; see registry-ctl status",
      });
    }
    const { answers } = await this.#ask([worker], SET_TAG_WITHIN_MS, (id) => ({
      type: "set-tag",
      id,
      request,
    }));
    const answer = answers.get(worker);
    if (answer?.error !== undefined) throw fromStartFailure(answer.error);
    if (answer !== undefined) return;
    throw new RegistryCtlError("ERR_WORKER", "the process that was to set the tag ended, or did not answer", {
      hint: "look what the tag points to, and try again",
    });
  }

  /** A worker has answered. */
  answered(worker: WorkerState, id: number, answer: WorkerAnswer): void {
    const open = this.#open.get(id);
    if (open === undefined || !open.waiting.delete(worker)) return;
    open.answers.set(worker, answer);
    if (open.waiting.size === 0) open.finish();
  }

  /** A worker is no more. */
  workerEnded(worker: WorkerState): void {
    for (const open of [...this.#open.values()]) {
      if (open.waiting.delete(worker) && open.waiting.size === 0) open.finish();
    }
  }

  #ask(
    workers: readonly WorkerState[],
    timeoutMs: number,
    question: (id: number) => SupervisorQuestion,
  ): Promise<Answers> {
    const id = ++this.#lastId;
    return new Promise((resolve) => {
      const waiting = new Set(workers);
      const answers = new Map<WorkerState, WorkerAnswer>();
      const finish = (): void => {
        clearTimeout(timer);
        this.#open.delete(id);
        resolve({ answers, late: [...waiting] });
      };
      const timer = setTimeout(finish, timeoutMs);
      this.#open.set(id, { waiting, answers, finish });
      for (const worker of workers) sendToWorker(worker, question(id));
      if (waiting.size === 0) finish();
    });
  }
}
