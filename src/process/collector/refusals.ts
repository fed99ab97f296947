import { UNDECIDED_MS } from "../../registry/apply/slice-gate.ts";
import type { SliceRecords } from "../../state/slice-records.ts";
import type { WorkerMessage } from "../workers/messages.ts";
import type { SliceRounds } from "./slice-rounds.ts";
import { Wait } from "./wait.ts";

/** Options of {@link Refusals}. */
export interface RefusalsOptions {
  rounds: SliceRounds;
  records: SliceRecords;
  /** Milliseconds since 1970. */
  now: () => number;
}

/**
 * Links that a worker has written, or tried to, and that an object store may write once more when something newer lies
 * there. The worker's client is answered only when every worker knows of it and refuses other writes, and when the next
 * server will know too.
 */
export class Refusals {
  readonly #options: RefusalsOptions;
  readonly #waits = new Map<number, Wait>();
  #lastRound = 0;

  constructor(options: RefusalsOptions) {
    this.#options = options;
  }

  /** A worker tells of links. */
  async ask(
    worker: number,
    { id, keys, content }: Extract<WorkerMessage, { type: "undecided" }>,
  ): Promise<void> {
    const { rounds, records, now } = this.#options;
    // Before anybody is asked: a worker that starts meanwhile has it in its order.
    records.refuse(rounds.nextId(), { keys, content }, now() + UNDECIDED_MS);
    const undecided = { keys: [...keys], content, forMs: UNDECIDED_MS };
    let isKnown = false;
    // One that does not answer could acknowledge what will be undone: nothing but its answer, or its end, helps.
    while (!isKnown && rounds.isMember(worker)) {
      const round = ++this.#lastRound;
      const wait = new Wait();
      this.#waits.set(round, wait);
      isKnown = await rounds.ask({ type: "refuse", round, undecided }, wait);
      this.#waits.delete(round);
    }
    if (isKnown) rounds.send(worker, { type: "undecided-answer", id });
  }

  /** A worker refuses them from now on. */
  refused(worker: number, { round }: Extract<WorkerMessage, { type: "refused" }>): void {
    this.#waits.get(round)?.settle(worker);
  }

  /** A worker can acknowledge nothing any more. */
  ended(worker: number): void {
    for (const wait of this.#waits.values()) wait.settle(worker);
  }
}
