import type { LogSettings, Settings } from "../../config/settings.ts";
import type { TagSetRequest, WorkerStatus } from "../../control/protocol.ts";
import { RegistryCtlError, RegistryStateError } from "../../errors.ts";
import type { HeldName } from "../../lib/held-name.ts";
import type { Logger } from "../../lib/logger.ts";
import { type CollectionBarrier, plainBarrier } from "../collector/collection-barrier.ts";
import type { ServingHost } from "../control/serving-host.ts";
import { drainWorker } from "./drain-worker.ts";
import type { ListenAddress } from "./listen-address.ts";
import type { WorkerMessage } from "./messages.ts";
import { Replacement } from "./replacement.ts";
import { Respawning } from "./respawning.ts";
import { StandingOrder } from "./standing-order.ts";
import { fromStartFailure } from "./start-failure.ts";
import type { SupervisorOptions } from "./supervisor-options.ts";
import { WorkerFleet } from "./worker-fleet.ts";
import { WorkerQuestions } from "./worker-questions.ts";
import { type OtherSeat, WorkerSeat } from "./worker-seat.ts";
import { sendToWorker, statusOfWorker, type WorkerState } from "./worker-state.ts";

/**
 * Runs workers that share a listening socket, replaces those that die, decides which of them may write an upload,
 * puts new ones in their place when asked, and drains them at the end.
 *
 * The socket is shared by the system (`SCHED_NONE`): each worker accepts for itself. Measured with 2 workers: 98 to
 * 102 of 200 connections one after another, 225 to 175 of 400 at a time; passing each connection on from this
 * process instead evens that out and makes every connection pay for it.
 */
export class Supervisor implements ServingHost {
  readonly #options: SupervisorOptions;
  readonly #logger: Logger;
  readonly #fleet: WorkerFleet;
  readonly #respawn = new Respawning(() => this.#fork());
  readonly #questions = new WorkerQuestions();
  readonly #order: StandingOrder;
  /** Of the store that is served. */
  #seat: WorkerSeat;
  /** Where they really listen. */
  #bound: ListenAddress | undefined;
  #replacement: Replacement | undefined;
  #announced = false;
  /** Why the last one died that served, or was to. */
  #lastDeath = "";
  #stopping = false;
  #failure: Error | undefined;
  #finish: () => void = () => {};

  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.#logger = options.logger;
    this.#order = new StandingOrder(options.order);
    this.#fleet = new WorkerFleet({
      logger: options.logger,
      workerProgram: options.workerProgram,
      onMessage: (state, message) => this.#receive(state, message),
      onEnded: (state, reason) => this.#ended(state, reason),
      onHeardOut: ({ worker, listeningMs, seat }) =>
        seat.heardOut(worker.id, listeningMs !== undefined, worker.process.pid),
    });
    this.#seat = this.#seatWith(options.barrier ?? plainBarrier(options.logger));
  }

  /**
   * @returns when all workers have ended after the signal was aborted
   * @throws {RegistryCtlError} if the first workers cannot start, or die again and again at their start
   */
  async run(): Promise<void> {
    const { signal, workers } = this.#options;
    const finished = new Promise<void>((resolve) => {
      this.#finish = resolve;
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

  async status(): Promise<WorkerStatus[]> {
    const running = this.#fleet.all().filter(({ listeningMs }) => listeningMs !== undefined);
    const loads = await this.#questions.loads(running);
    return this.#fleet.all().map((state) => statusOfWorker(state, loads.get(state), running.includes(state)));
  }

  problems(): string[] {
    const serving = this.#fleet.serving().length;
    const { workers } = this.#options;
    if (serving >= workers) return [];
    const why = this.#lastDeath === "" ? "" : `; the last that died: ${this.#lastDeath}`;
    return [`${serving} of ${workers} workers listen${why}`];
  }

  /** Workers of another store than the one that is served never take writes again. */
  async setReadOnly(on: boolean, drainMs: number): Promise<number> {
    this.#order.setReadOnly(on);
    const [ordered, others] = [this.#fleet.ordered(), this.#ofOtherStores()];
    if (on) return this.#questions.setReadOnly(ordered, on, drainMs);
    await this.#hurry(others);
    const own = ordered.filter((state) => !others.includes(state));
    return this.#questions.setReadOnly(own, on, drainMs);
  }

  holdNames(names: readonly HeldName[], drainMs: number): Promise<number> {
    this.#order.setHeldNames(names);
    return this.#questions.holdNames(this.#fleet.ordered(), names, drainMs);
  }

  flushCaches(): Promise<void> {
    return this.#questions.flushCaches(this.#fleet.ordered());
  }

  async setTag(request: TagSetRequest): Promise<void> {
    const worker = this.#fleet.serving().find(({ seat }) => seat === this.#seat);
    await this.#questions.setTag(this.#stopping ? undefined : worker, request);
  }

  setLog(log: LogSettings): void {
    this.#order.setLog(log);
    for (const state of this.#fleet.ordered()) sendToWorker(state, { type: "log", settings: log });
  }

  async replace(settings: Settings, other?: OtherSeat): Promise<void> {
    if (this.#stopping) throw isEnding();
    if (!this.#announced || this.#replacement !== undefined) {
      throw new RegistryStateError("the server is just starting its workers", {
        hint: "try again in a moment",
      });
    }
    const { workers } = this.#options;
    const replacement = new Replacement(this.#order.withSettings(settings, other?.order), workers);
    const seat = other === undefined ? this.#seat : this.#seatWith(other.barrier);
    this.#replacement = replacement;
    try {
      for (let count = 0; count < workers; count++)
        replacement.add(this.#fleet.fork(replacement.order, seat));
      await replacement.ready;
    } catch (error) {
      // Some of them may have taken connections already.
      for (const state of replacement.fresh) this.#drain(state, true, settings);
      throw error;
    } finally {
      replacement.over();
      this.#replacement = undefined;
    }
    this.#seat = seat;
    this.#take(replacement);
  }

  /** Keeps workers from an upload that none of them writes. @returns how to end that; undefined if one writes it */
  holdUpload(uuid: string): (() => void) | undefined {
    return this.#seat.holdUpload(uuid);
  }

  /** From now on the new workers are those that count. */
  #take({ order, fresh }: Replacement): void {
    this.#order.replaceBy(order);
    this.#respawn.clear();
    for (const state of this.#fleet.all()) {
      if (!fresh.has(state) && !state.draining) this.#drain(state, true, order.settings);
    }
    // One of them may have died since the last one listened.
    for (let count = fresh.size; count < this.#options.workers; count++) this.#fork();
    this.#logger.info("all workers were replaced", { workers: this.#options.workers });
  }

  #fork(): void {
    try {
      this.#fleet.fork(undefined, this.#seat);
    } catch (error) {
      if (!(error instanceof RegistryCtlError)) throw error;
      // Others may serve meanwhile, or there may be room later.
      if (!this.#announced && this.#fleet.size === 0) this.#giveUp(error);
      else this.#respawn.forkAfter(this.#respawn.delayAfterDeath(Date.now(), undefined));
    }
  }

  #receive(state: WorkerState, message: WorkerMessage): void {
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
      case "answer":
        this.#questions.answered(state, message.id, message.answer);
        break;
      default:
        state.seat.receive(state.worker.id, message);
    }
  }

  #start(state: WorkerState): void {
    // An order that was sent before the worker began to read is lost, the order to end too.
    if (this.#stopping || state.draining) {
      sendToWorker(state, { type: "drain", gently: false });
      return;
    }
    // With its last worker the shared socket is closed. Where the system had chosen the port, keep to that one.
    const isShared = this.#fleet.ordered().some((other) => !other.draining);
    if (this.#bound !== undefined && !isShared) this.#order.setAddress(this.#bound);
    state.ordered = true;
    const collections = state.seat.join(state.worker.id, state.worker.process.pid);
    sendToWorker(state, { type: "start", order: { ...this.#order.orderFor(state.order), ...collections } });
  }

  #listening(state: WorkerState, address: ListenAddress): void {
    this.#bound = address;
    state.listeningMs = Date.now();
    const fields = { worker: state.worker.id, pid: state.worker.process.pid };
    if (this.#announced && state.order === undefined) this.#logger.info("worker replaced", fields);
    else this.#logger.debug("worker listens", fields);
    this.#replacement?.listening(state);
    if (this.#announced || this.#fleet.serving().length < this.#options.workers) return;
    this.#announced = true;
    this.#options.onListening(address, (uuid) => this.holdUpload(uuid));
  }

  #ended(state: WorkerState, reason: string): void {
    const { worker } = state;
    state.seat.ended(worker.id);
    this.#questions.workerEnded(state);
    if (this.#stopping) {
      if (this.#fleet.size === 0) this.#finish();
      return;
    }
    const fields = { worker: worker.id, pid: worker.process.pid, reason };
    if (state.draining) {
      this.#logger.debug("replaced worker has ended", fields);
      return;
    }
    if (!this.#announced && state.failure !== undefined) {
      this.#giveUp(state.failure);
      return;
    }
    this.#logger.error("worker died", fields);
    this.#lastDeath = reason;
    if (this.#replacement?.ended(state, reason)) return;
    const delayMs = this.#respawn.delayAfterDeath(state.startedMs, state.listeningMs);
    // One that has served goes on trying: what keeps its workers from starting may pass, and nobody else may start it.
    if (!this.#announced && this.#respawn.isHopeless && this.#fleet.serving().length === 0) {
      const message = `the workers die again and again at their start: ${reason}`;
      this.#giveUp(
        state.failure ?? new RegistryCtlError("ERR_WORKER", message, { hint: "see the log above" }),
      );
      return;
    }
    this.#respawn.forkAfter(delayMs);
  }

  #giveUp(failure: Error): void {
    this.#failure = failure;
    this.#stop();
  }

  #stop(): void {
    if (this.#stopping) return;
    this.#stopping = true;
    this.#replacement?.fail(isEnding());
    this.#respawn.clear();
    for (const state of this.#fleet.all()) this.#drain(state, false, this.#order.settings);
    if (this.#fleet.size === 0) this.#finish();
  }

  #seatWith(barrier: CollectionBarrier): WorkerSeat {
    return new WorkerSeat(barrier, (worker, message) => this.#fleet.send(worker, message));
  }

  #ofOtherStores(): WorkerState[] {
    return this.#fleet.ordered().filter(({ seat }) => seat !== this.#seat);
  }

  /**
   * Ends idle connections of workers that are being drained. Who would use one of theirs later would not find what others have
   * pushed by then.
   */
  async #hurry(states: readonly WorkerState[]): Promise<void> {
    for (const state of states) this.#drain(state, false, this.#order.settings);
    // Channels keep the order: who answers has closed them.
    await this.#questions.loads(states);
  }

  #drain(state: WorkerState, gently: boolean, { http: { drainTimeoutMs } }: Settings): void {
    const answers = async () => (await this.#questions.loads([state])).has(state);
    drainWorker(state, { gently, drainTimeoutMs, answers });
  }
}

function isEnding(): RegistryStateError {
  return new RegistryStateError("the server is ending");
}
