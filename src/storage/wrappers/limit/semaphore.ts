/** Lets so many run at a time and makes the rest wait in the order they came. */
export class Semaphore {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  /** @param slots - how many may run at a time, 1 or more */
  constructor(slots: number) {
    if (!Number.isSafeInteger(slots) || slots < 1)
      throw new RangeError(`slots must be 1 or more, not ${slots}`);
    this.#free = slots;
  }

  /** Runs `work` as soon as there is a slot, and gives the slot back however it ends. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free--;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next) next();
      else this.#free++;
    }
  }
}
