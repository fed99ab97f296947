const FIRST_CAPACITY = 1024;

/**
 * A set of 64-bit numbers, each as two unsigned 32-bit halves: 8 bytes a slot in one typed array, at the most two
 * slots in three filled. Millions of leases fit where a `Set<bigint>` would take ten times the memory.
 */
export class LeaseSet {
  /** Pairs of words; a slot of two zeros is empty, so (0, 0) is kept as (0, 1). */
  #slots = new Uint32Array(FIRST_CAPACITY * 2);
  #size = 0;

  /** How many numbers are in it. */
  get size(): number {
    return this.#size;
  }

  /** @returns false if it was in the set already */
  add(high: number, low: number): boolean {
    if ((this.#size + 1) * 3 > this.#slots.length) this.#grow();
    if (!insert(this.#slots, high, normalLow(high, low))) return false;
    this.#size++;
    return true;
  }

  /** Tells whether the number is in the set. */
  has(high: number, low: number): boolean {
    const slots = this.#slots;
    const wanted = normalLow(high, low);
    const at = findSlot(slots, high, wanted);
    return slots[at] === high && slots[at + 1] === wanted;
  }

  #grow(): void {
    const old = this.#slots;
    const next = new Uint32Array(old.length * 2);
    for (let at = 0; at < old.length; at += 2) {
      const high = old[at] ?? 0;
      const low = old[at + 1] ?? 0;
      if (high !== 0 || low !== 0) insert(next, high, low);
    }
    this.#slots = next;
  }
}

function normalLow(high: number, low: number): number {
  return high === 0 && low === 0 ? 1 : low;
}

function insert(slots: Uint32Array, high: number, low: number): boolean {
  const at = findSlot(slots, high, low);
  if (slots[at] === high && slots[at + 1] === low) return false;
  slots[at] = high;
  slots[at + 1] = low;
  return true;
}

/** Index of the number's first word, or of the empty slot where it belongs. */
function findSlot(slots: Uint32Array, high: number, low: number): number {
  const mask = slots.length - 1;
  let at = (Math.imul(low ^ (high >>> 16), 0x9e3779b1) >>> 0) & mask & ~1;
  while ((slots[at] !== 0 || slots[at + 1] !== 0) && (slots[at] !== high || slots[at + 1] !== low)) {
    at = (at + 2) & mask;
  }
  return at;
}
