import {
  type Digest,
  type DigestAlgorithm,
  digestAlgorithm,
  digestFromHex,
  digestHex,
} from "../../oci/digest.ts";
import type { AlgorithmCode } from "./manifest-record-layout.ts";
import { PagedArray } from "./paged-array.ts";

/** Bytes of one slot: a sha256; a sha512 takes two slots. */
const SLOT_BYTES = 32;
const SLOTS_PER_PAGE = 1 << 16;
const SLOT_BITS = 16;
const FIRST_CAPACITY = 1 << 12;
const MAX_LOAD = 0.65;

/** What stands for a digest everywhere in the graph: a small integer, good as an index of a {@link PagedArray}. */
export type DigestId = number;

/**
 * Gives each digest a number and keeps its bytes once: about 40 bytes for each of millions of digests, where strings
 * in a Set take 150 and more. Numbers are not consecutive.
 */
export class DigestTable {
  /** Open addressing: 0 is free, else the id + 1. */
  #index = new Uint32Array(FIRST_CAPACITY);
  readonly #pages: Uint8Array[] = [];
  /** 1 for each id that is a sha512. */
  readonly #isLong = PagedArray.bytes();
  #slots = 0;
  #size = 0;
  readonly #scratch = new Uint8Array(2 * SLOT_BYTES);

  /** How many digests it holds. */
  get size(): number {
    return this.#size;
  }

  /** @returns the number of `digest`, a new one if it was never seen */
  intern(digest: Digest): DigestId {
    return this.#internAt(this.#scratch, 0, this.#decode(digest));
  }

  /** As {@link intern}, for a digest as bytes: 32 of a sha256 or 64 of a sha512. */
  internBytes(algorithm: AlgorithmCode, bytes: Uint8Array, offset: number): DigestId {
    return this.#internAt(bytes, offset, algorithm === 1 ? 2 * SLOT_BYTES : SLOT_BYTES);
  }

  /** Writes the bytes of a digest into `target`. @returns the offset behind them */
  writeDigest(id: DigestId, target: Uint8Array, offset: number): number {
    target.set(this.#slot(id), offset);
    if (this.#isLong.get(id) === 0) return offset + SLOT_BYTES;
    target.set(this.#slot(id + 1), offset + SLOT_BYTES);
    return offset + 2 * SLOT_BYTES;
  }

  /** @returns the digest with that number */
  digestOf(id: DigestId): Digest {
    const isLong = this.#isLong.get(id) === 1;
    const first = this.#hexOfSlot(id);
    return isLong ? digestFromHex("sha512", first + this.#hexOfSlot(id + 1)) : digestFromHex("sha256", first);
  }

  /** @returns the algorithm of the digest with that number */
  algorithmOf(id: DigestId): DigestAlgorithm {
    return this.#isLong.get(id) === 1 ? "sha512" : "sha256";
  }

  /** The numbers of all digests, in the order in which they came. */
  *ids(): Generator<DigestId> {
    for (let id = 0; id < this.#slots; id += this.#isLong.get(id) === 1 ? 2 : 1) yield id;
  }

  #internAt(bytes: Uint8Array, offset: number, length: number): DigestId {
    if (this.#size >= this.#index.length * MAX_LOAD) this.#grow();
    let position = this.#hash(bytes, offset) & (this.#index.length - 1);
    for (;;) {
      const entry = this.#index[position] ?? 0;
      if (entry === 0) break;
      if (this.#equals(entry - 1, bytes, offset, length)) return entry - 1;
      position = (position + 1) & (this.#index.length - 1);
    }
    const id = this.#append(bytes, offset, length);
    this.#index[position] = id + 1;
    return id;
  }

  #slot(slot: number): Uint8Array {
    const at = offsetInPage(slot);
    return this.#page(slot).subarray(at, at + SLOT_BYTES);
  }

  #hexOfSlot(slot: number): string {
    const page = this.#page(slot);
    return Buffer.from(page.buffer, page.byteOffset + offsetInPage(slot), SLOT_BYTES).toString("hex");
  }

  #decode(digest: Digest): number {
    const hex = digestHex(digest);
    const length = digestAlgorithm(digest) === "sha512" ? 2 * SLOT_BYTES : SLOT_BYTES;
    for (let index = 0; index < length; index++) {
      this.#scratch[index] = (nibble(hex, 2 * index) << 4) | nibble(hex, 2 * index + 1);
    }
    return length;
  }

  /** The first four bytes: digests are evenly distributed already. */
  #hash(bytes: Uint8Array, offset: number): number {
    return (
      ((bytes[offset] ?? 0) |
        ((bytes[offset + 1] ?? 0) << 8) |
        ((bytes[offset + 2] ?? 0) << 16) |
        ((bytes[offset + 3] ?? 0) << 24)) >>>
      0
    );
  }

  #equals(id: DigestId, bytes: Uint8Array, offset: number, length: number): boolean {
    if ((this.#isLong.get(id) === 1) !== length > SLOT_BYTES) return false;
    if (!this.#slotEquals(id, bytes, offset)) return false;
    return length === SLOT_BYTES || this.#slotEquals(id + 1, bytes, offset + SLOT_BYTES);
  }

  #slotEquals(slot: number, bytes: Uint8Array, from: number): boolean {
    const page = this.#page(slot);
    const offset = offsetInPage(slot);
    for (let index = 0; index < SLOT_BYTES; index++) {
      if (page[offset + index] !== bytes[from + index]) return false;
    }
    return true;
  }

  #append(bytes: Uint8Array, offset: number, length: number): DigestId {
    const id = this.#slots;
    this.#writeSlot(bytes, offset);
    if (length > SLOT_BYTES) {
      this.#isLong.set(id, 1);
      this.#writeSlot(bytes, offset + SLOT_BYTES);
    }
    this.#size++;
    return id;
  }

  #writeSlot(bytes: Uint8Array, from: number): void {
    const slot = this.#slots++;
    if (slot >>> SLOT_BITS >= this.#pages.length) {
      this.#pages.push(new Uint8Array(SLOTS_PER_PAGE * SLOT_BYTES));
    }
    this.#page(slot).set(bytes.subarray(from, from + SLOT_BYTES), offsetInPage(slot));
  }

  #page(slot: number): Uint8Array {
    const page = this.#pages[slot >>> SLOT_BITS];
    if (!page) throw new RangeError(`no digest has number ${slot}`);
    return page;
  }

  #grow(): void {
    const old = this.#index;
    const index = new Uint32Array(old.length * 2);
    const mask = index.length - 1;
    for (const entry of old) {
      if (entry === 0) continue;
      let position = this.#hash(this.#page(entry - 1), offsetInPage(entry - 1)) & mask;
      while (index[position] !== 0) position = (position + 1) & mask;
      index[position] = entry;
    }
    this.#index = index;
  }
}

function offsetInPage(slot: number): number {
  return (slot & (SLOTS_PER_PAGE - 1)) * SLOT_BYTES;
}

/** The value of one lower-case hexadecimal digit. */
function nibble(hex: string, index: number): number {
  const code = hex.charCodeAt(index);
  return code < 0x3a ? code - 0x30 : code - 0x57;
}
