/** Hands out the requests of a rate, a few at a time. */
export interface RequestGrants {
  /** @returns how many requests may be made now; 0 if none is left for the moment */
  take(nowMs: number): number;
  /** @returns when it is worth asking again */
  nextMs(nowMs: number): number;
}

/** More pieces than this make no difference to a store, and each costs a file where processes share a rate. */
const MAX_SLOTS_PER_SECOND = 50;

/** Slots of the past that nobody has taken may be made up for, so that a short pause costs nothing. */
const CATCH_UP_MS = 250;

/** How a second is cut into slots, each of which grants a few requests. */
export class RateSlots {
  readonly #perSecond: number;
  /** How many slots a second has. */
  readonly count: number;

  constructor(perSecond: number) {
    this.#perSecond = perSecond;
    this.count = Math.max(1, Math.min(MAX_SLOTS_PER_SECOND, Math.floor(perSecond)));
  }

  /** @returns how many requests a slot grants; those of a second come to the rate */
  sizeOf(slot: number): number {
    const ofSecond = slot % this.count;
    const before = Math.floor((ofSecond * this.#perSecond) / this.count);
    return Math.floor(((ofSecond + 1) * this.#perSecond) / this.count) - before;
  }

  /** @returns the slot of a moment, counted from 1970 on */
  at(timeMs: number): number {
    return Math.floor((timeMs * this.count) / 1000);
  }

  /** @returns the oldest slot that may still be taken */
  oldestAt(nowMs: number): number {
    const second = Math.floor(nowMs / 1000);
    return Math.max(second * this.count, Math.min(this.at(nowMs), this.at(nowMs - CATCH_UP_MS)));
  }

  /** @returns when a slot begins */
  startOf(slot: number): number {
    return (slot * 1000) / this.count;
  }

  /** @returns the second of a slot, and its number in it */
  split(slot: number): { second: number; number: number } {
    return { second: Math.floor(slot / this.count), number: slot % this.count };
  }
}

/** Grants of a process that keeps a rate alone. */
export class LocalGrants implements RequestGrants {
  readonly #slots: RateSlots;
  #next = 0;

  constructor(perSecond: number) {
    this.#slots = new RateSlots(perSecond);
  }

  take(nowMs: number): number {
    const current = this.#slots.at(nowMs);
    // After the clock was set back the slots of long ago count for nothing.
    if (this.#next > current + this.#slots.count) this.#next = 0;
    const slot = Math.max(this.#next, this.#slots.oldestAt(nowMs));
    if (slot > current) return 0;
    this.#next = slot + 1;
    return this.#slots.sizeOf(slot);
  }

  nextMs(nowMs: number): number {
    return this.#slots.startOf(this.#slots.at(nowMs) + 1);
  }
}
