import type { PinAnswer } from "../../server/coordination/pin-table.ts";
import { Wait } from "./wait.ts";

/** One proposal of a slice to all workers, until it is withdrawn. */
export class OpenSlice {
  /** Another one for each proposal, so that what is late cannot be taken for an answer to the next. */
  readonly id: number;
  /** That of whoever wants it. */
  readonly number: number;
  /** A client wants it: who relies on one of its keys later waits. */
  readonly isExclusion: boolean;
  readonly keys: ReadonlySet<string>;
  /** What has to stay. Changes until {@link decide}. */
  readonly needed = new Set<string>();
  /** For the replies. */
  readonly wait = new Wait();
  #isDecided = false;

  constructor(
    id: number,
    { number, keys, isExclusion }: { number: number; keys: readonly string[]; isExclusion: boolean },
  ) {
    this.id = id;
    this.number = number;
    this.isExclusion = isExclusion;
    this.keys = new Set(keys);
  }

  /** What is not needed may be removed from now on. */
  get isDecided(): boolean {
    return this.#isDecided;
  }

  decide(): void {
    this.#isDecided = true;
  }

  /** These have to stay. */
  keep(keys: Iterable<string>): void {
    for (const key of keys) this.needed.add(key);
  }

  /** A worker tells what it needs, or somebody does so in its name. A second reply is ignored. */
  reply(worker: number, needed: Iterable<string>): void {
    if (!this.wait.isOn(worker)) return;
    this.keep(needed);
    this.wait.settle(worker);
  }

  /** @returns what becomes of keys on which a request wants to rely; "gone" if this slice has none of them */
  answer(keys: readonly string[]): PinAnswer {
    const own = keys.filter((key) => this.keys.has(key));
    if (own.length === 0) return "gone";
    if (this.isExclusion) return "wait";
    // Nothing has been removed yet: what is wanted now is as good as what was wanted before.
    if (!this.#isDecided) this.keep(own);
    return own.every((key) => this.needed.has(key)) ? "kept" : "wait";
  }
}
