/** A worker that has listened for this long did not die "at once". */
const SETTLED_AFTER_MS = 1_000;
const FIRST_DELAY_MS = 100;
const MAX_DELAY_MS = 10_000;
const HOPELESS_DEATHS = 5;

/** When a dead worker is replaced: at once, or later and later if workers die as soon as they start. */
export class RespawnPolicy {
  readonly #now: () => number;
  #quickDeaths = 0;

  /** @param now - milliseconds since 1970 */
  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  /** So many deaths in a row came at once that another try would change nothing. */
  get isHopeless(): boolean {
    return this.#quickDeaths >= HOPELESS_DEATHS;
  }

  /** @returns how long to wait before the next try */
  delayAfterDeath(startedMs: number, listeningMs: number | undefined): number {
    const settled =
      listeningMs !== undefined && this.#now() - Math.max(startedMs, listeningMs) >= SETTLED_AFTER_MS;
    if (settled) this.#quickDeaths = 0;
    else this.#quickDeaths++;
    if (this.#quickDeaths === 0) return 0;
    return Math.min(FIRST_DELAY_MS * 2 ** (this.#quickDeaths - 1), MAX_DELAY_MS);
  }
}
