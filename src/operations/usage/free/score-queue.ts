/** Gives out what has the highest score first; a score can be set again at any time. */
export class ScoreQueue {
  /** The score of each item as it is now; NaN for one that is out. */
  readonly #scores: Float64Array;
  /** Of equal scores the higher one of these comes first. */
  readonly #seconds: Float64Array;
  /** A heap of items, with the scores by which they were put in: an item may be in more than once. */
  readonly #heap: { item: number; score: number; second: number }[] = [];

  /** @param size - items are the numbers below it */
  constructor(size: number) {
    this.#scores = new Float64Array(size).fill(Number.NaN);
    this.#seconds = new Float64Array(size);
  }

  set(item: number, score: number, second = 0): void {
    this.#scores[item] = score;
    this.#seconds[item] = second;
    this.#heap.push({ item, score, second });
    let at = this.#heap.length - 1;
    while (at > 0) {
      const parent = (at - 1) >>> 1;
      if (!this.#isBefore(at, parent)) break;
      this.#swap(at, parent);
      at = parent;
    }
  }

  /** @returns the item that has the highest score, which is out then; undefined if there is none */
  take(): number | undefined {
    for (;;) {
      const top = this.#heap[0];
      if (top === undefined) return undefined;
      const last = this.#heap.pop();
      if (last !== undefined && this.#heap.length > 0) {
        this.#heap[0] = last;
        this.#sink();
      }
      // One that was put in before its score was set again is passed over.
      if (this.#scores[top.item] !== top.score || this.#seconds[top.item] !== top.second) continue;
      this.#scores[top.item] = Number.NaN;
      return top.item;
    }
  }

  #sink(): void {
    for (let at = 0; ; ) {
      const left = 2 * at + 1;
      let first = at;
      if (left < this.#heap.length && this.#isBefore(left, first)) first = left;
      if (left + 1 < this.#heap.length && this.#isBefore(left + 1, first)) first = left + 1;
      if (first === at) return;
      this.#swap(at, first);
      at = first;
    }
  }

  /** Lower numbers first where all else is equal, so that the same store gives the same plan. */
  #isBefore(one: number, other: number): boolean {
    const [a, b] = [this.#heap[one], this.#heap[other]];
    if (!a || !b) return false;
    if (a.score !== b.score) return a.score > b.score;
    return a.second === b.second ? a.item < b.item : a.second > b.second;
  }

  #swap(one: number, other: number): void {
    const [a, b] = [this.#heap[one], this.#heap[other]];
    if (!a || !b) return;
    this.#heap[one] = b;
    this.#heap[other] = a;
  }
}
