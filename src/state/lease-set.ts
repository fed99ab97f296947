import { endianness } from "node:os";

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

  /** Adds all numbers of another set. */
  addAll(other: LeaseSet): void {
    const slots = other.#slots;
    for (let at = 0; at < slots.length; at += 2) {
      const high = slots[at] ?? 0;
      const low = slots[at + 1] ?? 0;
      if (high !== 0 || low !== 0) this.add(high, low);
    }
  }

  /** @returns text that {@link LeaseSet.unpack} reads: 8 bytes a number, as base64 */
  pack(): string {
    const words = new Uint32Array(this.#size * 2);
    let at = 0;
    for (let slot = 0; slot < this.#slots.length; slot += 2) {
      const high = this.#slots[slot] ?? 0;
      const low = this.#slots[slot + 1] ?? 0;
      if (high === 0 && low === 0) continue;
      words[at++] = high;
      words[at++] = low;
    }
    return Buffer.from(words.buffer).toString("base64");
  }

  /** @param text - from {@link pack}, on this machine */
  static unpack(text: string): LeaseSet {
    const bytes = Buffer.from(text, "base64");
    const set = new LeaseSet();
    for (let at = 0; at + 8 <= bytes.length; at += 8) set.add(readWord(bytes, at), readWord(bytes, at + 4));
    return set;
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

function readWord(bytes: Buffer, at: number): number {
  return endianness() === "LE" ? bytes.readUInt32LE(at) : bytes.readUInt32BE(at);
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
