/** Where something stands: the number of a file, and where in it. */
export interface Place {
  file: number;
  offset: number;
}

/** Offsets are smaller, and both together an exact number. */
const MAX_OFFSET = 2 ** 40;
const FIRST_CAPACITY = 1024;

/** Remembers when things happened and where they are written, in 16 bytes each, however many they are. */
export class EntryIndex {
  #timesMs = new Float64Array(FIRST_CAPACITY);
  #places = new Float64Array(FIRST_CAPACITY);
  #size = 0;
  #order: Uint32Array | undefined;

  get size(): number {
    return this.#size;
  }

  add(timeMs: number, { file, offset }: Place): void {
    this.#order = undefined;
    if (this.#size === this.#timesMs.length) {
      this.#timesMs = doubled(this.#timesMs);
      this.#places = doubled(this.#places);
    }
    this.#timesMs[this.#size] = timeMs;
    this.#places[this.#size] = file * MAX_OFFSET + offset;
    this.#size++;
  }

  /**
   * Gives places by time, the oldest first; of what happened in one millisecond, by file and offset.
   *
   * @param limit - the newest so many; 0: all
   */
  *newest(limit: number): Generator<Place> {
    this.#order ??= this.#sorted();
    for (const index of limit === 0 ? this.#order : this.#order.subarray(-limit)) {
      const place = at(this.#places, index);
      yield { file: Math.floor(place / MAX_OFFSET), offset: place % MAX_OFFSET };
    }
  }

  #sorted(): Uint32Array {
    const [times, places] = [this.#timesMs, this.#places];
    const order = Uint32Array.from({ length: this.#size }, (_, index) => index);
    return order.sort((a, b) => at(times, a) - at(times, b) || at(places, a) - at(places, b));
  }
}

function doubled(values: Float64Array): Float64Array<ArrayBuffer> {
  const larger = new Float64Array(2 * values.length);
  larger.set(values);
  return larger;
}

function at(values: Float64Array, index: number): number {
  return values[index] ?? 0;
}
