import { setTimeout } from "node:timers/promises";
import { CancelledError } from "../errors.ts";

/** So much may be made up for after a pause, so that short ones cost nothing. */
const BURST_MS = 250;

/** Waits; rejects when the signal is aborted. */
export type Sleep = (delayMs: number, signal: AbortSignal | undefined) => Promise<unknown>;

/** A token bucket: keeps the bytes that several streams move together below a rate, in the order in which they ask. */
export class ByteRate {
  readonly #perMs: number;
  readonly #now: () => number;
  readonly #sleep: Sleep;
  /** When all that was granted until now has been moved at the rate. */
  #movedAtMs = Number.NEGATIVE_INFINITY;

  /**
   * @param bytesPerSecond - more than 0
   * @param now - milliseconds from anywhere on
   */
  constructor(bytesPerSecond: number, now = () => performance.now(), sleep: Sleep = sleepUnlessAborted) {
    this.#perMs = bytesPerSecond / 1000;
    this.#now = now;
    this.#sleep = sleep;
  }

  /**
   * Waits until so many bytes may be moved.
   *
   * @throws {CancelledError}
   */
  async spend(bytes: number, signal?: AbortSignal): Promise<void> {
    const nowMs = this.#now();
    this.#movedAtMs = Math.max(this.#movedAtMs, nowMs - BURST_MS) + bytes / this.#perMs;
    const delayMs = this.#movedAtMs - nowMs;
    if (delayMs > 0) await this.#sleep(delayMs, signal);
  }
}

async function sleepUnlessAborted(delayMs: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await setTimeout(delayMs, undefined, signal ? { signal } : {});
  } catch (error) {
    throw signal?.aborted ? new CancelledError() : error;
  }
}
