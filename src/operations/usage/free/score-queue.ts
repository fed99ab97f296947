const OUT = -1;

/** Gives out what has the highest score first; scores can be set again at any time. A binary heap that knows where each item is. */
export class ScoreQueue {
  readonly #scores: Float64Array;
  readonly #seconds: Float64Array;
  /** Items; only the first `#length` count. */
  readonly #heap: Uint32Array;
  #length = 0;
  /** Where each item is in the heap; {@link OUT} if it is not. */
  readonly #positions: Int32Array;

  /** @param size - items are the numbers below it */
  constructor(size: number) {
    this.#scores = new Float64Array(size);
    this.#seconds = new Float64Array(size);
    this.#heap = new Uint32Array(size);
    this.#positions = new Int32Array(size).fill(OUT);
  }

  /**
   * Puts an item in, or changes its scores.
   *
   * @param second - of equal scores the one with the higher of these comes first, then the lower number
   */
  set(item: number, score: number, second = 0): void {
    this.#scores[item] = score;
    this.#seconds[item] = second;
    let at = this.#positions[item] ?? OUT;
    if (at === OUT) {
      at = this.#length++;
      this.#place(at, item);
    }
    if (!this.#rise(at)) this.#sink(at);
  }

  /** @returns the item with the highest score, which is out then; undefined if there is none */
  take(): number | undefined {
    const top = this.#heap[0];
    if (top === undefined || this.#length === 0) return undefined;
    this.#length--;
    this.#positions[top] = OUT;
    const last = this.#heap[this.#length];
    if (this.#length > 0 && last !== undefined) {
      this.#place(0, last);
      this.#sink(0);
    }
    return top;
  }

  /** @returns false if it stands where it should already */
  #rise(from: number): boolean {
    let at = from;
    while (at > 0) {
      const parent = (at - 1) >>> 1;
      if (!this.#isBefore(at, parent)) break;
      this.#swap(at, parent);
      at = parent;
    }
    return at !== from;
  }

  #sink(from: number): void {
    for (let at = from; ; ) {
      const left = 2 * at + 1;
      let first = at;
      if (left < this.#length && this.#isBefore(left, first)) first = left;
      if (left + 1 < this.#length && this.#isBefore(left + 1, first)) first = left + 1;
      if (first === at) return;
      this.#swap(at, first);
      at = first;
    }
  }

  /** By scores, and then by number, so that the same store gives the same plan. */
  #isBefore(one: number, other: number): boolean {
    const a = this.#heap[one] ?? 0;
    const b = this.#heap[other] ?? 0;
    const difference = (this.#scores[a] ?? 0) - (this.#scores[b] ?? 0);
    if (difference !== 0) return difference > 0;
    const second = (this.#seconds[a] ?? 0) - (this.#seconds[b] ?? 0);
    return second === 0 ? a < b : second > 0;
  }

  #swap(one: number, other: number): void {
    const item = this.#heap[one] ?? 0;
    this.#place(one, this.#heap[other] ?? 0);
    this.#place(other, item);
  }

  #place(at: number, item: number): void {
    this.#heap[at] = item;
    this.#positions[item] = at;
  }
}
