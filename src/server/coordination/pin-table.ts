import { CancelledError } from "../../errors.ts";
import { leasePrefix } from "../../state/lease-key.ts";
import { LeaseSet } from "../../state/lease-set.ts";
import type { Pin, PinKey, PinUse } from "./coordination.ts";
import { type UndecidedFor, UndecidedKeys } from "./undecided-keys.ts";

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
  /** Milliseconds of a clock that nobody sets. */
  now?: () => number;
}

/**
 * Which keys the requests of this process rely on, have relied on since a collection began, and which keys a collector
 * is about to remove (the condemned ones, in numbered slices). Everything happens within one turn of the event loop,
 * except waiting for an answer: a key is pinned before it is known whether it is condemned, so a slice that is proposed
 * at any moment finds it.
 */
export class PinTable {
  readonly #ask: PinTableOptions["ask"];
  readonly #isLeased: PinTableOptions["isLeased"];
  readonly #counts = new Map<PinKey, number>();
  /** Those of them that hold already, and on which something will rely that is being written. */
  readonly #writing = new Map<PinKey, number>();
  readonly #slices = new Map<number, Slice>();
  readonly #undecided: UndecidedKeys;
  /** While a collection runs: all keys that were pinned when it began or later, by their prefixes. */
  #relied: LeaseSet | undefined;
  #closed = false;

  constructor(options: PinTableOptions) {
    this.#ask = options.ask;
    this.#isLeased = options.isLeased;
    this.#undecided = new UndecidedKeys(options.now ?? (() => performance.now()));
  }

  /** See {@link import("./coordination.ts").Coordination.pin}. */
  pin(keys: readonly PinKey[], use: PinUse = "reading", content?: string): Pin | Promise<Pin> {
    const pin = new HeldPin(this, use, content);
    const waiting = pin.extend(keys);
    return waiting === undefined ? pin : waiting.then(() => pin);
  }

  /** Tells whether a request relies on the key. */
  isPinned(key: PinKey): boolean {
    return this.#counts.has(key);
  }

  /** Whether any request relies on anything. */
  get isBusy(): boolean {
    return this.#counts.size > 0;
  }

  /** A collection begins, or begins anew: from now on every key that is relied on is remembered until {@link end}. */
  begin(): void {
    if (this.#relied !== undefined) return;
    this.#relied = new LeaseSet();
    for (const key of this.#counts.keys()) this.#remember(this.#relied, key);
  }

  /** The collection is over. */
  end(): void {
    this.#relied = undefined;
  }

  /** What has been relied on since the collection began, to be handed over; undefined if none runs. */
  get relied(): LeaseSet | undefined {
    return this.#relied;
  }

  /** No key can be pinned from now on: what this table knows has been handed over. */
  close(): void {
    this.#closed = true;
  }

  /**
   * Condemns keys until the slice is withdrawn: whoever pins one of them from now on must ask.
   * @returns those that somebody relies on, or has since the collection began, or that are leased here, which the
   *   collector has to leave; they are not condemned
   */
  propose(sliceId: number, keys: readonly PinKey[]): PinKey[] {
    if (this.#slices.has(sliceId)) throw new Error(`slice ${sliceId} was proposed twice`);
    const condemned = new Set<PinKey>();
    const needed: PinKey[] = [];
    for (const key of keys) {
      if (this.#isNeeded(key)) needed.push(key);
      else condemned.add(key);
    }
    this.#slices.set(sliceId, new Slice(condemned));
    return needed;
  }

  /**
   * As {@link propose}, for what a client wants to be removed: neither readers nor leases keep it.
   * @returns those on which something relies that is being written; they are condemned all the same
   */
  exclude(sliceId: number, keys: readonly PinKey[]): PinKey[] {
    this.#slices.set(sliceId, new Slice(new Set(keys)));
    return keys.filter((key) => this.#writing.has(key));
  }

  /**
   * Ends a slice: its keys are as good as any other again. A slice that is not known is ignored.
   * @param undecided - keys that the store may still remove, so that nobody may rely on them for a while
   */
  withdraw(sliceId: number, undecided?: UndecidedFor): void {
    if (undecided !== undefined) this.#undecided.add(undecided);
    const slice = this.#slices.get(sliceId);
    this.#slices.delete(sliceId);
    slice?.end();
  }

  /** Nobody may rely on these for a while, or write anything else there. */
  refuse(undecided: UndecidedFor): void {
    this.#undecided.add(undecided);
  }

  /** See {@link UndecidedKeys.checkRemoval}. */
  checkRemoval(keys: readonly PinKey[]): void {
    this.#undecided.checkRemoval(keys);
  }

  /**
   * Counts pins.
   *
   * @param content - see {@link pin}
   * @param onHeld - called in the turn in which none of the keys is condemned any more
   * @returns undefined if that is so at once
   * @throws {ApiError} UNAVAILABLE, with nothing counted, if it is not decided whether the store changes one of them
   */
  hold(keys: readonly PinKey[], content: string | undefined, onHeld: () => void): Promise<void> | undefined {
    if (this.#closed) throw new CancelledError("this process is about to end");
    this.#undecided.check(keys, content);
    let condemned = false;
    for (const key of keys) {
      add(this.#counts, key);
      if (this.#relied !== undefined) this.#remember(this.#relied, key);
      if (this.#slices.size > 0 && this.#isCondemned(key)) condemned = true;
    }
    if (condemned) return this.#settle(keys, content, onHeld);
    onHeld();
    return undefined;
  }

  /** Gives back what {@link hold} counted. */
  drop(keys: readonly PinKey[]): void {
    for (const key of keys) subtract(this.#counts, key);
  }

  /** What is being written will rely on keys that are held. */
  beginWriting(keys: readonly PinKey[]): void {
    for (const key of keys) add(this.#writing, key);
  }

  /** Takes back {@link beginWriting}. */
  endWriting(keys: readonly PinKey[]): void {
    for (const key of keys) subtract(this.#writing, key);
  }

  /** Until none of the keys is condemned: another slice may be proposed while the answer to the first is waited for. */
  async #settle(keys: readonly PinKey[], content: string | undefined, onHeld: () => void): Promise<void> {
    for (;;) {
      const slices = [...this.#slices.values()].filter((slice) =>
        keys.some((key) => slice.condemned.has(key)),
      );
      if (slices.length === 0) break;
      const answer = await this.#ask(keys);
      if (answer === "wait") await Promise.all(slices.map((slice) => slice.ended));
      // These slices are over for the keys. A removal that a client wants may have been proposed since the answer came.
      else for (const slice of slices) for (const key of keys) slice.condemned.delete(key);
    }
    this.#undecided.check(keys, content);
    onHeld();
  }

  #isNeeded(key: PinKey): boolean {
    if (this.#counts.has(key) || this.#isLeased(key)) return true;
    if (this.#relied === undefined) return false;
    const { high, low } = leasePrefix(key);
    return this.#relied.has(high, low);
  }

  #remember(relied: LeaseSet, key: PinKey): void {
    const { high, low } = leasePrefix(key);
    relied.add(high, low);
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

function add(counts: Map<PinKey, number>, key: PinKey): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

function subtract(counts: Map<PinKey, number>, key: PinKey): void {
  const count = counts.get(key) ?? 0;
  if (count > 1) counts.set(key, count - 1);
  else counts.delete(key);
}

class HeldPin implements Pin {
  readonly #table: PinTable;
  readonly #use: PinUse;
  readonly #content: string | undefined;
  #keys: PinKey[] = [];
  #written: PinKey[] = [];
  #released = false;

  constructor(table: PinTable, use: PinUse, content: string | undefined) {
    this.#table = table;
    this.#use = use;
    this.#content = content;
  }

  extend(keys: readonly PinKey[]): undefined | Promise<void> {
    if (this.#released) throw new Error("a released pin was extended");
    const answer = this.#table.hold(keys, this.#content, () => this.#beginWriting(keys));
    for (const key of keys) this.#keys.push(key);
    return answer === undefined ? undefined : this.#take(answer);
  }

  release(): void {
    if (this.#released) return;
    this.#released = true;
    this.#table.drop(this.#keys);
    this.#table.endWriting(this.#written);
    this.#keys = [];
    this.#written = [];
  }

  #beginWriting(keys: readonly PinKey[]): void {
    if (this.#use === "reading" || this.#released) return;
    this.#table.beginWriting(keys);
    for (const key of keys) this.#written.push(key);
  }

  async #take(answer: Promise<void>): Promise<void> {
    try {
      await answer;
    } catch (error) {
      this.release();
      throw error;
    }
  }
}
