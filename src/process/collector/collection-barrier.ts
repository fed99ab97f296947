import { RegistryStateError } from "../../errors.ts";
import type { Logger } from "../../lib/logger.ts";
import { RunLostError } from "../../registry/apply/run-lost-error.ts";
import { type SliceGate, UNDECIDED_MS } from "../../registry/apply/slice-gate.ts";
import { leasePrefix } from "../../state/lease-key.ts";
import { LeaseSet } from "../../state/lease-set.ts";
import { NoSliceRecords, type SliceRecords } from "../../state/slice-records.ts";
import type { StartOrder, SupervisorMessage, WorkerMessage } from "../workers/messages.ts";
import type { ChildRecords } from "./child-records.ts";
import { Exclusions } from "./exclusions.ts";
import { Refusals } from "./refusals.ts";
import { SliceRounds } from "./slice-rounds.ts";
import { Wait } from "./wait.ts";

/** So often is a slice proposed. */
const ATTEMPTS = 3;

/** What the barrier needs to know of workers that are no more. */
export interface DeadLeases {
  has(key: string): boolean;
  /** Reads what dead workers have written since the last time. */
  refresh(): void;
}

/** Options of {@link CollectionBarrier}. */
export interface CollectionBarrierOptions {
  leases: DeadLeases;
  /** Slices that are under way, for a supervisor that comes after this one. */
  records: SliceRecords;
  /** Which processes work for this server, for the same reason. */
  children?: Pick<ChildRecords, "add" | "remove" | "isComplete"> | undefined;
  logger: Logger;
  /** How long a worker may take for an answer. */
  replyWithinMs?: number;
  /** Milliseconds since 1970. */
  now?: () => number;
}

/**
 * The supervisor's part in a collection beside running workers. It knows which workers may have requests under way,
 * asks all of them before anything is removed, answers them what becomes of condemned keys, and keeps what those that
 * have ended had relied on. All of it is decided in turns of one event loop.
 */
export class CollectionBarrier implements SliceGate {
  readonly #leases: DeadLeases;
  readonly #records: SliceRecords;
  readonly #children: CollectionBarrierOptions["children"];
  readonly #logger: Logger;
  readonly #now: () => number;
  readonly #rounds: SliceRounds;
  readonly #exclusions: Exclusions;
  readonly #refusals: Refusals;
  #lastRun = 0;
  /** The number of the run that workers know of. */
  #run: number | undefined;
  /** All workers have joined it. */
  #isJoined = false;
  #joining: Wait | undefined;
  /** Why what was relied on in this run is not known any more. */
  #lost: string | undefined;
  /** What workers that have ended in order had relied on in this run. */
  #handedOver = new LeaseSet();

  constructor(options: CollectionBarrierOptions) {
    const { leases, records, children, logger, replyWithinMs, now = Date.now } = options;
    this.#children = children;
    this.#leases = leases;
    this.#records = records;
    this.#logger = logger;
    this.#now = now;
    this.#rounds = new SliceRounds({ records, replyWithinMs, now });
    const { mayComeLate } = records;
    this.#exclusions = new Exclusions({ rounds: this.#rounds, mayComeLate, logger, now });
    this.#refusals = new Refusals({ rounds: this.#rounds, records, now });
  }

  /** @param send - puts a message into a worker's channel, in order */
  connect(send: (worker: number, message: SupervisorMessage) => void): void {
    this.#rounds.connect(send);
  }

  /**
   * A worker is about to be told to begin: from now on it is asked.
   * @param pid - its process
   * @returns what has to be in its order
   */
  join(worker: number, pid?: number): Pick<StartOrder, "slices" | "undecided" | "run"> {
    this.#children?.add(pid);
    return { ...this.#rounds.join(worker), ...(this.#run === undefined ? {} : { run: this.#run }) };
  }

  /** Takes what a worker says, as far as it is about what may be removed. */
  receive(worker: number, message: WorkerMessage): void {
    if (!this.#rounds.isMember(worker)) return;
    switch (message.type) {
      case "collection-joined":
        if (message.run === this.#run) this.#joining?.settle(worker);
        break;
      case "slice-reply":
        this.#rounds.reply(worker, message.slice, message.needed);
        break;
      case "pin-question": {
        const answer = this.#rounds.answer(message.keys);
        this.#rounds.send(worker, { type: "pin-answer", id: message.id, answer });
        break;
      }
      case "exclude":
        void this.#exclusions.ask(worker, message);
        break;
      case "exclude-end":
        this.#exclusions.end(worker, message);
        break;
      case "undecided":
        void this.#refusals.ask(worker, message);
        break;
      case "refused":
        this.#refusals.refused(worker, message);
        break;
      case "goodbye":
        this.#leave(worker, message);
        break;
      default:
        break;
    }
  }

  /**
   * A worker's process has ended, and all that it had said has been received.
   *
   * @param mayHaveServed - it has listened
   * @param pid - the process
   */
  ended(worker: number, mayHaveServed: boolean, pid?: number): void {
    this.#children?.remove(pid);
    this.#leases.refresh();
    this.#exclusions.ended(worker);
    if (!this.#rounds.leave(worker)) return;
    this.#refusals.ended(worker);
    // What it had acknowledged before all had joined is in the store before that is read for the plan.
    if (mayHaveServed && this.#isJoined) this.#lost ??= `worker ${worker} ended without a word`;
    this.#joining?.settle(worker);
    for (const { isExclusion, wait } of this.#rounds.slices) {
      if (this.#lost === undefined || isExclusion) wait.settle(worker);
      else wait.giveUp();
    }
  }

  async begin(): Promise<void> {
    this.#requireRecords();
    const run = ++this.#lastRun;
    const joining = new Wait();
    this.#run = run;
    this.#isJoined = false;
    this.#lost = undefined;
    this.#joining = joining;
    const isComplete = await this.#rounds.ask({ type: "collection-begin", run }, joining);
    if (this.#run !== run) throw new RegistryStateError("the collection has been ended");
    if (!isComplete) throw silent("when the collection began");
    this.#joining = undefined;
    this.#isJoined = true;
  }

  async condemn(number: number, keys: readonly string[]): Promise<ReadonlySet<string>> {
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      this.#requireRun();
      const slice = this.#rounds.open(keys, { number, isExclusion: false });
      slice.keep(keys.filter((key) => this.#isRelied(key)));
      const isComplete = await this.#rounds.propose(slice);
      if (isComplete && this.#lost === undefined && this.#isJoined) {
        slice.decide();
        return slice.needed;
      }
      this.#rounds.withdraw(slice);
    }
    this.#requireRun();
    throw silent(`although it was asked ${ATTEMPTS} times`);
  }

  async conclude(number: number, undecided?: { keys: readonly string[]; untilMs: number }): Promise<void> {
    for (const slice of [...this.#rounds.slices]) {
      if (!slice.isExclusion && slice.number === number) this.#rounds.withdraw(slice, undecided);
    }
  }

  /** A collector has been started, and not been told to begin. */
  collectorStarted(pid: number | undefined): void {
    this.#children?.add(pid);
  }

  /**
   * The collector's process has ended, however it did. What of a slice it had not concluded is removed or not; an object
   * store may still do so.
   */
  end(pid?: number): void {
    this.#children?.remove(pid);
    for (const slice of [...this.#rounds.slices]) {
      if (slice.isExclusion) continue;
      const mayGo = this.#records.mayComeLate && slice.isDecided;
      const keys = mayGo ? [...slice.keys].filter((key) => !slice.needed.has(key)) : [];
      this.#rounds.withdraw(slice, { keys, untilMs: this.#now() + UNDECIDED_MS });
      slice.wait.giveUp();
    }
    if (this.#run === undefined) return;
    this.#run = undefined;
    this.#isJoined = false;
    this.#lost = undefined;
    this.#handedOver = new LeaseSet();
    this.#joining?.giveUp();
    this.#joining = undefined;
    this.#rounds.tellAll({ type: "collection-end" });
  }

  #requireRun(): void {
    if (this.#lost !== undefined) {
      throw new RunLostError(`what clients push is not known for certain any more: ${this.#lost}`);
    }
    if (!this.#isJoined) throw new RegistryStateError("no collection has begun");
    this.#requireRecords();
  }

  /** The next server must be able to wait for all of them before it serves. */
  #requireRecords(): void {
    if (this.#children?.isComplete !== false) return;
    const message = "it cannot be written down which processes work for this server: nothing more is deleted";
    throw new RegistryStateError(message, { hint: "look whether the disk of the state folder is full" });
  }

  #leave(worker: number, { relied, leasesWritten }: Extract<WorkerMessage, { type: "goodbye" }>): void {
    if (!leasesWritten) this.#logger.warn("a worker has ended before it could write its leases", { worker });
    this.#leases.refresh();
    if (relied !== undefined) this.#handedOver.addAll(LeaseSet.unpack(relied));
    else if (this.#isJoined) this.#lost ??= `worker ${worker} had not joined the collection`;
    this.#rounds.leave(worker);
    this.#refusals.ended(worker);
    this.#joining?.settle(worker);
    for (const slice of this.#rounds.slices) {
      slice.reply(worker, slice.isExclusion ? [] : [...slice.keys].filter((key) => this.#isRelied(key)));
    }
  }

  #isRelied(key: string): boolean {
    const { high, low } = leasePrefix(key);
    return this.#handedOver.has(high, low) || this.#leases.has(key);
  }
}

/** @returns a barrier that remembers nothing over the end of this process */
export function plainBarrier(logger: Logger): CollectionBarrier {
  return new CollectionBarrier({
    leases: { has: () => false, refresh: () => {} },
    records: new NoSliceRecords(),
    logger,
  });
}

function silent(when: string): RegistryStateError {
  return new RegistryStateError(`a worker of the server did not answer ${when}: nothing more is deleted`, {
    hint: "look into the server's log; the next run goes on where this one has ended",
  });
}
