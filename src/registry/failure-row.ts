/** So many failures in a row come only where the store is away, or denies everything. */
const MAX_FAILURES_IN_A_ROW = 200;
/** A store that hangs lets each of them wait: fewer say as much then. */
const MAX_SLOW_FAILURES_IN_A_ROW = 3;
/** As long as these take together, with none that goes well between. */
const SLOW_MS = 20_000;

/** Tells from failures that come one after the other when a store does not answer any more, or denies whatever is asked. */
export class FailureRow {
  readonly #now: () => number;
  #failuresInARow = 0;
  /** When the first of them was begun that has failed. */
  #rowBeganMs = 0;

  /** @param now - milliseconds from anywhere on */
  constructor(now = () => performance.now()) {
    this.#now = now;
  }

  /** @returns when something is begun, for {@link failed} */
  begin(): number {
    return this.#now();
  }

  /** Something has gone well. */
  succeeded(): void {
    this.#failuresInARow = 0;
  }

  /**
   * Something has failed that would go well if the store did.
   *
   * @param begunMs - what {@link begin} has given
   * @returns whether this is one too many
   */
  failed(begunMs: number): boolean {
    if (this.#failuresInARow++ === 0) this.#rowBeganMs = begunMs;
    const isSlow = this.#now() - this.#rowBeganMs >= SLOW_MS;
    return this.#failuresInARow >= (isSlow ? MAX_SLOW_FAILURES_IN_A_ROW : MAX_FAILURES_IN_A_ROW);
  }
}
