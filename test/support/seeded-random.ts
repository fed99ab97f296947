/** Numbers that look random and are the same for the same seed. */
export class SeededRandom {
  #state: number;

  /** @param seed - an integer of 32 bits */
  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /**
   * @returns a number from 0 up to, not including, 1
   * @see https://gist.github.com/tommyettinger/46a874533244883189143505d203312c (Mulberry32)
   */
  fraction(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** @returns an integer from 0 up to, not including, `end` */
  below(end: number): number {
    return Math.floor(this.fraction() * end);
  }

  /** @returns an integer of the range, both ends included */
  between(first: number, last: number): number {
    return first + this.below(last - first + 1);
  }

  chance(probability: number): boolean {
    return this.fraction() < probability;
  }

  /** @throws {Error} if there is nothing to pick from */
  pick<Item>(items: readonly Item[]): Item {
    const item = items[this.below(items.length)];
    if (item === undefined) throw new Error("there is nothing to pick from");
    return item;
  }
}

/**
 * The seed of a test that draws at random: that of the environment variable if it is set, else `otherwise`, by default a new one.
 *
 * @throws {Error} if the variable is no number
 */
export function seedFrom(variable: string, otherwise = Date.now() % 2 ** 31): number {
  const text = process.env[variable];
  const seed = text === undefined ? otherwise : Number(text);
  if (!Number.isSafeInteger(seed)) throw new Error(`${variable} is no integer: ${text}`);
  return seed;
}
