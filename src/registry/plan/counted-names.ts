/** Names of one sort: how many there are, and the first few. */
export class CountedNames {
  readonly #shown: number;
  readonly #first: string[] = [];
  #count = 0;

  /** @param shown - so many are remembered */
  constructor(shown: number) {
    this.#shown = shown;
  }

  /** How many were added. */
  get count(): number {
    return this.#count;
  }

  /** The first of those added. */
  get first(): readonly string[] {
    return this.#first;
  }

  add(name: string): void {
    if (++this.#count <= this.#shown) this.#first.push(name);
  }
}
