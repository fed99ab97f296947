import { LRUCache } from "lru-cache";

/** How failures of one key slow it down. */
export interface SlowFailuresOptions {
  /** So many failures cost nothing. */
  free: number;
  /** The wait after the first failure that costs; each further one doubles it. */
  firstMs: number;
  /** No wait is longer. */
  maxMs: number;
  /** Failures are forgotten after so long without another one. */
  forgetMs: number;
  /** More keys are not remembered: those that failed longest ago are forgotten. */
  maxKeys: number;
  /** A clock that only goes forward. */
  nowMs: () => number;
}

interface Failures {
  count: number;
  lastMs: number;
  untilMs: number;
}

/** Counts failures by key, such as a client's address, and tells how long each has to wait. */
export class SlowFailures {
  readonly #options: SlowFailuresOptions;
  readonly #failures: LRUCache<string, Failures>;

  constructor(options: SlowFailuresOptions) {
    this.#options = options;
    this.#failures = new LRUCache({ max: options.maxKeys });
  }

  /** @returns after how many milliseconds the key may try again; 0: now */
  waitMs(key: string): number {
    const nowMs = this.#options.nowMs();
    return Math.max(0, (this.#recent(key, nowMs)?.untilMs ?? 0) - nowMs);
  }

  failed(key: string): void {
    const { free, firstMs, maxMs, nowMs } = this.#options;
    const now = nowMs();
    const count = (this.#recent(key, now)?.count ?? 0) + 1;
    const wait = count <= free ? 0 : Math.min(maxMs, firstMs * 2 ** Math.min(count - free - 1, 30));
    this.#failures.set(key, { count, lastMs: now, untilMs: now + wait });
  }

  /** Forgets what the key did. */
  forgive(key: string): void {
    this.#failures.delete(key);
  }

  #recent(key: string, nowMs: number): Failures | undefined {
    const found = this.#failures.get(key);
    return found === undefined || nowMs - found.lastMs > this.#options.forgetMs ? undefined : found;
  }
}
