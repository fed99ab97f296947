import type { PinAnswer } from "../../server/coordination/pin-table.ts";
import type { UndecidedFor } from "../../server/coordination/undecided-keys.ts";
import type { SliceRecords } from "../../state/slice-records.ts";
import type { StartOrder, SupervisorMessage } from "../workers/messages.ts";
import { OpenSlice } from "./open-slice.ts";
import type { Wait } from "./wait.ts";

/** A worker that has not answered for so long holds nothing up any longer. */
const REPLY_WITHIN_MS = 5_000;

/** Options of {@link SliceRounds}. */
export interface SliceRoundsOptions {
  /** Slices that are under way, for a supervisor that comes after this one. */
  records: SliceRecords;
  replyWithinMs?: number | undefined;
  /** Milliseconds since 1970. */
  now?: (() => number) | undefined;
}

/**
 * Questions to all workers that may have requests under way, and the slices that are open between a question and its
 * end.
 */
export class SliceRounds {
  readonly #records: SliceRecords;
  readonly #replyWithinMs: number;
  readonly #now: () => number;
  /** Workers that have been told to begin and have not said goodbye. */
  readonly #members = new Set<number>();
  readonly #slices = new Map<number, OpenSlice>();
  #send: (worker: number, message: SupervisorMessage) => void = () => {};
  #lastSlice = 0;

  constructor(options: SliceRoundsOptions) {
    this.#records = options.records;
    this.#replyWithinMs = options.replyWithinMs ?? REPLY_WITHIN_MS;
    this.#now = options.now ?? Date.now;
  }

  /** All slices that are open. */
  get slices(): Iterable<OpenSlice> {
    return this.#slices.values();
  }

  /** @param send - puts a message into a worker's channel, in order */
  connect(send: (worker: number, message: SupervisorMessage) => void): void {
    this.#send = send;
  }

  /** A worker is asked from now on. @returns what has to be in its order */
  join(worker: number): Required<Pick<StartOrder, "slices" | "undecided">> {
    this.#members.add(worker);
    return {
      slices: [...this.#slices.values()].map(({ id, keys }) => ({ slice: id, keys: [...keys] })),
      undecided: this.#records.undecided(this.#now()),
    };
  }

  /** A worker is asked no more. @returns false if it was not asked before either */
  leave(worker: number): boolean {
    return this.#members.delete(worker);
  }

  isMember(worker: number): boolean {
    return this.#members.has(worker);
  }

  send(worker: number, message: SupervisorMessage): void {
    this.#send(worker, message);
  }

  tellAll(message: SupervisorMessage): void {
    for (const worker of this.#members) this.#send(worker, message);
  }

  /** Sends a question to every worker. The wait ends when all have answered, or it has taken too long. */
  ask(message: SupervisorMessage, wait: Wait): Promise<boolean> {
    const ended = wait.start(this.#members, this.#replyWithinMs);
    for (const worker of [...this.#members]) this.#send(worker, message);
    return ended;
  }

  /** @returns another number for each thing that is remembered */
  nextId(): number {
    return ++this.#lastSlice;
  }

  /**
   * Opens a slice, remembered before anybody knows of it; {@link propose} follows.
   * @throws if it cannot be remembered
   */
  open(
    keys: readonly string[],
    { number, isExclusion }: { number: number; isExclusion: boolean },
  ): OpenSlice {
    const slice = new OpenSlice(this.nextId(), { number, keys, isExclusion });
    this.#records.open(slice.id, keys);
    this.#slices.set(slice.id, slice);
    return slice;
  }

  /** @returns whether every worker has replied, and the slice is still open */
  async propose(slice: OpenSlice): Promise<boolean> {
    const { id, keys, isExclusion } = slice;
    const isComplete = await this.ask(
      { type: "slice-propose", slice: id, keys: [...keys], ...(isExclusion ? { isExclusion } : {}) },
      slice.wait,
    );
    return isComplete && this.#slices.has(id);
  }

  reply(worker: number, slice: number, needed: readonly string[]): void {
    this.#slices.get(slice)?.reply(worker, needed);
  }

  /** @param undecided - keys of which the store may still carry out the removal */
  withdraw(slice: OpenSlice, undecided?: { keys: readonly string[]; untilMs: number }): void {
    if (!this.#slices.delete(slice.id)) return;
    if (undecided === undefined || undecided.keys.length === 0) {
      this.#records.remove(slice.id);
      this.tellAll({ type: "slice-withdraw", slice: slice.id });
      return;
    }
    this.#records.setUndecided(slice.id, undecided.keys, undecided.untilMs);
    const told: UndecidedFor = { keys: [...undecided.keys], forMs: undecided.untilMs - this.#now() };
    this.tellAll({ type: "slice-withdraw", slice: slice.id, undecided: told });
  }

  /** @returns what becomes of keys on which a request wants to rely */
  answer(keys: readonly string[]): PinAnswer {
    let answer: PinAnswer = "gone";
    for (const slice of this.#slices.values()) {
      const becomes = slice.answer(keys);
      if (becomes === "wait") return "wait";
      if (becomes === "kept") answer = "kept";
    }
    return answer;
  }
}
