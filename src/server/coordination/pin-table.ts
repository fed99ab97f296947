import type { Pin, PinKey } from "./coordination.ts";

/** What the supervisor knows of condemned keys that a request wants to rely on. */
export type PinAnswer =
  /** All of them stay: the collector has taken them out of its slice. */
  | "kept"
  /** Some may be removed right now; it is known when the slice is withdrawn. */
  | "wait"
  /** Some are removed already. */
  | "gone";

/** Options of {@link PinTable}. */
export interface PinTableOptions {
  /** Asks what becomes of condemned keys, in one question with all keys of the request. */
  ask: (keys: readonly PinKey[]) => Promise<PinAnswer>;
  /** Tells whether a client has lately been told that the key exists. */
  isLeased: (key: PinKey) => boolean;
}

/**
 * Which keys the requests of this process rely on, and which keys a collector is about to remove (the condemned
 * ones, in numbered slices). Everything happens within one turn of the event loop, except waiting for an answer: a
 * key is pinned before it is known whether it is condemned, so a slice that is proposed at any moment finds it.
 */
export class PinTable {
  readonly #ask: PinTableOptions["ask"];
  readonly #isLeased: PinTableOptions["isLeased"];
  readonly #counts = new Map<PinKey, number>();
  readonly #slices = new Map<number, Slice>();

  constructor(options: PinTableOptions) {
    this.#ask = options.ask;
    this.#isLeased = options.isLeased;
  }

  /** See {@link import("./coordination.ts").Coordination.pin}. */
  pin(keys: readonly PinKey[]): Pin | Promise<Pin> {
    const pin = new HeldPin(this);
    const waiting = pin.extend(keys);
    return waiting === undefined ? pin : waiting.then(() => pin);
  }

  /** Tells whether a request relies on the key. */
  isPinned(key: PinKey): boolean {
    return this.#counts.has(key);
  }

  /**
   * Condemns keys until the slice is withdrawn: whoever pins one of them from now on must ask.
   * @returns those that are pinned or leased here, which the collector has to leave; they are not condemned
   */
  propose(sliceId: number, keys: readonly PinKey[]): PinKey[] {
    if (this.#slices.has(sliceId)) throw new Error(`slice ${sliceId} was proposed twice`);
    const condemned = new Set<PinKey>();
    const needed: PinKey[] = [];
    for (const key of keys) {
      if (this.#counts.has(key) || this.#isLeased(key)) needed.push(key);
      else condemned.add(key);
    }
    this.#slices.set(sliceId, new Slice(condemned));
    return needed;
  }

  /** Ends a slice: its keys are as good as any other again. A slice that is not known is ignored. */
  withdraw(sliceId: number): void {
    const slice = this.#slices.get(sliceId);
    this.#slices.delete(sliceId);
    slice?.end();
  }

  /** Counts pins. @returns undefined if none of the keys is condemned, else whether to look at the store again */
  hold(keys: readonly PinKey[]): Promise<boolean> | undefined {
    let condemned = false;
    for (const key of keys) {
      this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
      if (this.#slices.size > 0 && this.#isCondemned(key)) condemned = true;
    }
    return condemned ? this.#settle(keys) : undefined;
  }

  /** Gives back what {@link hold} counted. */
  drop(keys: readonly PinKey[]): void {
    for (const key of keys) {
      const count = this.#counts.get(key) ?? 0;
      if (count > 1) this.#counts.set(key, count - 1);
      else this.#counts.delete(key);
    }
  }

  async #settle(keys: readonly PinKey[]): Promise<boolean> {
    const slices = [...this.#slices.values()].filter((slice) => keys.some((key) => slice.condemned.has(key)));
    const answer = await this.#ask(keys);
    if (answer === "kept") {
      for (const slice of slices) for (const key of keys) slice.condemned.delete(key);
      return false;
    }
    if (answer === "wait") await Promise.all(slices.map((slice) => slice.ended));
    return true;
  }

  #isCondemned(key: PinKey): boolean {
    for (const slice of this.#slices.values()) if (slice.condemned.has(key)) return true;
    return false;
  }
}

class Slice {
  readonly condemned: Set<PinKey>;
  readonly ended: Promise<void>;
  #end: () => void = () => {};

  constructor(condemned: Set<PinKey>) {
    this.condemned = condemned;
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
  }

  end(): void {
    this.#end();
  }
}

class HeldPin implements Pin {
  readonly #table: PinTable;
  #keys: PinKey[] = [];
  #revalidate = false;
  #released = false;

  constructor(table: PinTable) {
    this.#table = table;
  }

  get revalidate(): boolean {
    return this.#revalidate;
  }

  extend(keys: readonly PinKey[]): undefined | Promise<void> {
    if (this.#released) throw new Error("a released pin was extended");
    const answer = this.#table.hold(keys);
    this.#keys.push(...keys);
    return answer === undefined ? undefined : this.#take(answer);
  }

  release(): void {
    if (this.#released) return;
    this.#released = true;
    this.#table.drop(this.#keys);
    this.#keys = [];
  }

  async #take(answer: Promise<boolean>): Promise<void> {
    try {
      if (await answer) this.#revalidate = true;
    } catch (error) {
      this.release();
      throw error;
    }
  }
}
