/** Something that can be done without: the tags of one manifest, or a whole project. */
export interface Removable {
  /** What doing without it costs, more than 0: how many tags go. The set that costs least is looked for. */
  cost: number;
  /** Numbers of the blobs that it keeps, each once; none that something else keeps for ever. */
  blobs: Uint32Array;
}

/** Who still keeps which blob, while one thing after the other is given up: what frees how much, to the byte. */
export class BlobHolders {
  readonly #sizes: ArrayLike<number>;
  readonly #removables: readonly Removable[];
  /** How many keep each blob. */
  readonly #counts: Uint32Array;
  /** Where the holders of each blob begin in `#holders`; one entry more than there are blobs. */
  readonly #starts: Uint32Array;
  readonly #holders: Uint32Array;
  readonly #isGivenUp: Uint8Array;
  #freedBytes = 0;

  /** @param sizes - size of each blob, by its number */
  constructor(sizes: ArrayLike<number>, removables: readonly Removable[]) {
    this.#sizes = sizes;
    this.#removables = removables;
    this.#counts = new Uint32Array(sizes.length);
    this.#isGivenUp = new Uint8Array(removables.length);
    for (const { blobs } of removables) for (const blob of blobs) this.#counts[blob] = this.count(blob) + 1;
    this.#starts = new Uint32Array(sizes.length + 1);
    let total = 0;
    for (let blob = 0; blob < sizes.length; blob++) {
      this.#starts[blob] = total;
      total += this.count(blob);
    }
    this.#starts[sizes.length] = total;
    this.#holders = new Uint32Array(total);
    const next = this.#starts.slice();
    for (const [index, { blobs }] of removables.entries()) {
      for (const blob of blobs) {
        const at = next[blob] ?? 0;
        this.#holders[at] = index;
        next[blob] = at + 1;
      }
    }
  }

  /** What is free when all of them are given up. */
  get allBytes(): number {
    let bytes = 0;
    for (let blob = 0; blob < this.#sizes.length; blob++) {
      if ((this.#starts[blob + 1] ?? 0) > (this.#starts[blob] ?? 0)) bytes += this.sizeOf(blob);
    }
    return bytes;
  }

  /** Bytes that nothing keeps any more. */
  get freedBytes(): number {
    return this.#freedBytes;
  }

  sizeOf(blob: number): number {
    return this.#sizes[blob] ?? 0;
  }

  /** How many still keep a blob. */
  count(blob: number): number {
    return this.#counts[blob] ?? 0;
  }

  isGivenUp(index: number): boolean {
    return this.#isGivenUp[index] === 1;
  }

  /** Calls `visit` with each of those that still keep a blob. */
  forEachHolder(blob: number, visit: (index: number) => void): void {
    const end = this.#starts[blob + 1] ?? 0;
    for (let at = this.#starts[blob] ?? 0; at < end; at++) {
      const index = this.#holders[at] ?? 0;
      if (!this.isGivenUp(index)) visit(index);
    }
  }

  /** @returns what giving it up would free now; of what is given up, what keeping it after all would cost */
  bytesOf(index: number): number {
    const alone = this.isGivenUp(index) ? 0 : 1;
    let bytes = 0;
    for (const blob of this.#blobsOf(index)) if (this.count(blob) === alone) bytes += this.sizeOf(blob);
    return bytes;
  }

  giveUp(index: number): void {
    this.#freedBytes += this.bytesOf(index);
    for (const blob of this.#blobsOf(index)) this.#counts[blob] = this.count(blob) - 1;
    this.#isGivenUp[index] = 1;
  }

  keep(index: number): void {
    this.#freedBytes -= this.bytesOf(index);
    for (const blob of this.#blobsOf(index)) this.#counts[blob] = this.count(blob) + 1;
    this.#isGivenUp[index] = 0;
  }

  /**
   * Keeps what turns out unneeded, in the order of `indexes`, as long as no less than `leastBytes` are freed. Afterwards
   * none of them can be kept: what it costs to keep one only falls by what keeping others has cost.
   *
   * @returns those that are given up still, in the same order
   */
  keepUnneeded(indexes: readonly number[], leastBytes: number): number[] {
    return indexes.filter((index) => {
      const isNeeded = this.#freedBytes - this.bytesOf(index) < leastBytes;
      if (!isNeeded) this.keep(index);
      return isNeeded;
    });
  }

  #blobsOf(index: number): Uint32Array {
    return this.#removables[index]?.blobs ?? new Uint32Array();
  }
}
