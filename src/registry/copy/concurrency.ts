/** Between what bounds a concurrency is looked for. */
export interface ConcurrencyBounds {
  least: number;
  most: number;
  first: number;
}

/** Small files that are copied at a time. More than 128 connections to one store gain nothing. */
export const SMALL_FILES_AT_ONCE: ConcurrencyBounds = { least: 8, most: 128, first: 32 };

/** Throughput is measured over so long a time, and over no fewer than four rounds of all that is under way. */
const WINDOW_MS = 1000;
const ROUNDS = 4;
/** Less of a gain than this is chance. */
const GAIN = 1.05;
const STEP_UP = 1.3;
/** After so many windows without a change it is tried again whether more is better by now. */
const TRY_AGAIN_AFTER = 15;
/** Of what ends in a window, so much may fail without being too much. */
const MAX_FAILED_SHARE = 0.1;

/**
 * Finds out how many copies at a time move the most: climbs as long as throughput grows with it, goes back the last step
 * where it does not, and halves when the store is too busy or much fails. One that is fixed stays as it is.
 */
export class Concurrency {
  readonly #bounds: ConcurrencyBounds;
  readonly #now: () => number;
  #limit: number;
  #windowBeganMs: number;
  #ended = 0;
  #failed = 0;
  #isBusy = false;
  /** Copies a millisecond in the window before. */
  #lastRate = 0;
  /** The limit of the window before, if it was lower. */
  #climbedFrom: number | undefined;
  #idleWindows = 0;

  /** @param now - milliseconds from anywhere on */
  constructor(bounds: ConcurrencyBounds, now = () => performance.now()) {
    this.#bounds = bounds;
    this.#now = now;
    this.#limit = bounds.first;
    this.#climbedFrom = bounds.first;
    this.#windowBeganMs = now();
  }

  /** @returns one that never changes */
  static fixed(limit: number): Concurrency {
    return new Concurrency({ least: limit, most: limit, first: limit });
  }

  /** How many may be under way. */
  get limit(): number {
    return this.#limit;
  }

  /** One has ended; `isWaiting` tells whether others wait for their turn, for else throughput says nothing. */
  ended({ hasFailed, isWaiting }: { hasFailed: boolean; isWaiting: boolean }): void {
    this.#ended++;
    if (hasFailed) this.#failed++;
    const nowMs = this.#now();
    if (!isWaiting) {
      if (nowMs - this.#windowBeganMs >= WINDOW_MS) this.#begin(nowMs);
      return;
    }
    if (this.#ended >= this.#limit && this.#failed > this.#ended * MAX_FAILED_SHARE) this.#isBusy = true;
    if (this.#isBusy) {
      this.#halve(nowMs);
      return;
    }
    if (nowMs - this.#windowBeganMs >= WINDOW_MS && this.#ended >= ROUNDS * this.#limit) this.#judge(nowMs);
  }

  /** The store has asked for fewer requests. Counts once in a window, as all that is under way may be told so. */
  slowDown(): void {
    if (this.#now() - this.#windowBeganMs >= WINDOW_MS / 4) this.#isBusy = true;
  }

  #judge(nowMs: number): void {
    const rate = this.#ended / (nowMs - this.#windowBeganMs);
    const lastRate = this.#lastRate;
    this.#lastRate = rate;
    this.#idleWindows++;
    const from = this.#climbedFrom;
    this.#climbedFrom = undefined;
    if (from !== undefined && rate < lastRate * GAIN) this.#set(from);
    else if (from !== undefined || this.#idleWindows >= TRY_AGAIN_AFTER) {
      this.#climbedFrom = this.#limit;
      this.#set(this.#limit * STEP_UP);
    }
    this.#begin(nowMs);
  }

  #halve(nowMs: number): void {
    this.#set(this.#limit / 2);
    this.#climbedFrom = undefined;
    this.#begin(nowMs);
  }

  #set(wanted: number): void {
    const { least, most } = this.#bounds;
    this.#limit = Math.max(least, Math.min(most, Math.round(wanted)));
    this.#idleWindows = 0;
  }

  #begin(nowMs: number): void {
    this.#windowBeganMs = nowMs;
    this.#ended = 0;
    this.#failed = 0;
    this.#isBusy = false;
  }
}
