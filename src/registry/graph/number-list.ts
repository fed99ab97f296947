const FIRST_CAPACITY = 16;

/** A growing list of numbers in a typed array. */
export class NumberList {
  #values: Uint32Array | Float64Array;
  #length = 0;

  private constructor(values: Uint32Array | Float64Array) {
    this.#values = values;
  }

  /** Numbers from 0 to 2^32 - 1, such as digest numbers. */
  static integers(): NumberList {
    return new NumberList(new Uint32Array(FIRST_CAPACITY));
  }

  /** Any numbers, NaN too. */
  static numbers(): NumberList {
    return new NumberList(new Float64Array(FIRST_CAPACITY));
  }

  get length(): number {
    return this.#length;
  }

  push(value: number): void {
    if (this.#length === this.#values.length) {
      const larger =
        this.#values instanceof Uint32Array
          ? new Uint32Array(this.#length * 2)
          : new Float64Array(this.#length * 2);
      larger.set(this.#values);
      this.#values = larger;
    }
    this.#values[this.#length++] = value;
  }

  /** @returns NaN beyond the end */
  at(index: number): number {
    return index < this.#length ? (this.#values[index] ?? Number.NaN) : Number.NaN;
  }

  set(index: number, value: number): void {
    if (index >= this.#length) throw new RangeError(`index ${index} of ${this.#length}`);
    this.#values[index] = value;
  }

  *[Symbol.iterator](): Generator<number> {
    for (let index = 0; index < this.#length; index++) yield this.at(index);
  }
}
