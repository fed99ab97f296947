import { setTimeout } from "node:timers/promises";

/** A timer of more than 2^31 - 1 ms ends at once. */
const MAX_SLEEP_MS = 86_400_000;
/** The longest rest behind one batch. */
const MAX_REST_MS = 1000;

/** Options of {@link SweepPace}. */
export interface SweepPaceOptions {
  /** So many files a second, at the most; 0: as many as there are. */
  maxOpsPerSecond: number;
  /** Rests behind each batch for as long as it took, so that requests meanwhile find the store at leisure. */
  rests: boolean;
  signal?: AbortSignal | undefined;
  /** A clock that nobody sets, in milliseconds; for tests. */
  clockMs?: (() => number) | undefined;
  /** Waits; resolves when the signal is aborted; for tests. */
  sleep?: ((ms: number, signal: AbortSignal | undefined) => Promise<unknown>) | undefined;
}

/** Spreads the batches of a sweep over time. */
export class SweepPace {
  readonly #options: SweepPaceOptions;
  readonly #clockMs: () => number;
  #notBeforeMs = Number.NEGATIVE_INFINITY;
  #beganMs = 0;

  constructor(options: SweepPaceOptions) {
    this.#options = options;
    this.#clockMs = options.clockMs ?? (() => performance.now());
  }

  /** @returns so many files make a batch at the most, so that a second sees no more of them than it may */
  batchFiles(usual: number): number {
    const { maxOpsPerSecond } = this.#options;
    return maxOpsPerSecond > 0 ? Math.max(1, Math.min(usual, Math.floor(maxOpsPerSecond))) : usual;
  }

  /** Resolves when a batch may begin; or at once when the signal is aborted, which others look at. */
  async begin(files: number): Promise<void> {
    const { maxOpsPerSecond, signal, sleep = sleepUnlessAborted } = this.#options;
    for (;;) {
      const waitMs = this.#notBeforeMs - this.#clockMs();
      if (waitMs <= 0 || signal?.aborted) break;
      await sleep(Math.min(waitMs, MAX_SLEEP_MS), signal);
    }
    this.#beganMs = this.#clockMs();
    if (maxOpsPerSecond > 0) this.#notBeforeMs = this.#beganMs + (files * 1000) / maxOpsPerSecond;
  }

  /** To be called when a batch is done. */
  end(): void {
    if (!this.#options.rests) return;
    const nowMs = this.#clockMs();
    const restMs = Math.min(MAX_REST_MS, nowMs - this.#beganMs);
    this.#notBeforeMs = Math.max(this.#notBeforeMs, nowMs + restMs);
  }
}

async function sleepUnlessAborted(ms: number, signal: AbortSignal | undefined): Promise<void> {
  await setTimeout(ms, undefined, signal ? { signal } : {}).catch(() => undefined);
}
