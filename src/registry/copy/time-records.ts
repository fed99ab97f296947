import { hash } from "node:crypto";

/*
 * Records of 16 bytes, each of which says when one file was changed: the first bytes of the SHA-256 of its path, and
 * milliseconds since 1970. Two of ten million paths share a key in one of ten billion stores.
 */

/** How long a record is. */
export const RECORD_BYTES = 16;

const KEY_BYTES = 10;
const TIME_BYTES = RECORD_BYTES - KEY_BYTES;
const MAX_TIME_MS = 2 ** (8 * TIME_BYTES) - 1;
/** So many bytes of a key are one number. */
const PREFIX_BYTES = 6;
/** More of them are needed only where keys are not spread evenly. */
const MAX_GUESSES = 8;
/** So few records are sorted by putting each into its place. */
const FEW_RECORDS = 24;

/** Writes the record of a file to a place in a buffer. Times are cut to full milliseconds from 1970 on. */
export function writeRecord(buffer: Buffer, offset: number, path: string, modifiedMs: number): void {
  hash("sha256", path, "buffer").copy(buffer, offset, 0, KEY_BYTES);
  const time = Math.min(Math.max(Math.floor(modifiedMs), 0), MAX_TIME_MS);
  buffer.writeUIntBE(time, offset + KEY_BYTES, TIME_BYTES);
}

/**
 * Looks where the key should be among hashes, which are spread evenly: a few steps lead there, each a little nearer. Where
 * they do not, the rest is halved.
 *
 * @returns the time of a file in sorted records; undefined if it is not among them
 */
export function timeIn(records: Buffer, path: string): number | undefined {
  const key = hash("sha256", path, "buffer");
  const wanted = key.readUIntBE(0, PREFIX_BYTES);
  let [from, to] = [0, records.length / RECORD_BYTES];
  let [lowest, highest] = [0, 2 ** (8 * PREFIX_BYTES)];
  for (let step = 0; from < to; step++) {
    const share = step < MAX_GUESSES && lowest < highest ? (wanted - lowest) / (highest - lowest) : 0.5;
    const guess = from + Math.floor((to - from) * share);
    const at = Math.min(Math.max(guess, from), to - 1);
    const offset = at * RECORD_BYTES;
    const prefix = records.readUIntBE(offset, PREFIX_BYTES);
    const order =
      prefix === wanted ? records.compare(key, 0, KEY_BYTES, offset, offset + KEY_BYTES) : prefix - wanted;
    if (order === 0) return records.readUIntBE(offset + KEY_BYTES, TIME_BYTES);
    if (order < 0) [from, lowest] = [at + 1, prefix];
    else [to, highest] = [at, prefix];
  }
  return undefined;
}

/**
 * Sorts records in their place, by key and time.
 *
 * @returns them without those that have the key of another one with a later time: what is taken for younger is kept longer
 */
export function sortRecords(records: Buffer): Buffer {
  new RecordSort(records).sort(0, records.length / RECORD_BYTES, 0);
  let kept = 0;
  for (let offset = 0; offset < records.length; offset += RECORD_BYTES) {
    const isSame =
      kept > 0 &&
      records.compare(records, kept - RECORD_BYTES, kept - TIME_BYTES, offset, offset + KEY_BYTES) === 0;
    if (isSame) kept -= RECORD_BYTES;
    if (kept !== offset) records.copy(records, kept, offset, offset + RECORD_BYTES);
    kept += RECORD_BYTES;
  }
  return records.subarray(0, kept);
}

/** By one byte after the other, from the first on: each record is carried straight to the bucket of its byte. */
class RecordSort {
  readonly #records: Buffer;
  readonly #carried = Buffer.alloc(RECORD_BYTES);
  readonly #displaced = Buffer.alloc(RECORD_BYTES);

  constructor(records: Buffer) {
    this.#records = records;
  }

  /** Sorts the records from one number up to another, which have the same first `depth` bytes. */
  sort(from: number, to: number, depth: number): void {
    if (depth === RECORD_BYTES || to - from < 2) return;
    if (to - from <= FEW_RECORDS) {
      this.#insert(from, to);
      return;
    }
    const ends = this.#endsOf(from, to, depth);
    const starts = Int32Array.from(ends, (_, byte) => (byte === 0 ? from : (ends[byte - 1] ?? from)));
    const next = Int32Array.from(starts);
    for (let byte = 0; byte < 256; byte++) {
      for (let at = next[byte] ?? to; at < (ends[byte] ?? 0); at = next[byte] ?? to)
        this.#carry(at, depth, next);
    }
    for (let byte = 0; byte < 256; byte++) this.sort(starts[byte] ?? to, ends[byte] ?? to, depth + 1);
  }

  #endsOf(from: number, to: number, depth: number): Int32Array {
    const ends = new Int32Array(256);
    for (let at = from; at < to; at++) {
      const byte = this.#records[at * RECORD_BYTES + depth] ?? 0;
      ends[byte] = (ends[byte] ?? 0) + 1;
    }
    let end = from;
    for (let byte = 0; byte < 256; byte++) {
      end += ends[byte] ?? 0;
      ends[byte] = end;
    }
    return ends;
  }

  /** Takes the record at `at` to its bucket, what lay there to its own, and so on until one belongs to `at`. */
  #carry(at: number, depth: number, next: Int32Array): void {
    const records = this.#records;
    const carried = this.#carried;
    records.copy(carried, 0, at * RECORD_BYTES, (at + 1) * RECORD_BYTES);
    for (;;) {
      const byte = carried[depth] ?? 0;
      const place = next[byte] ?? 0;
      next[byte] = place + 1;
      const offset = place * RECORD_BYTES;
      if (place === at) {
        carried.copy(records, offset);
        return;
      }
      records.copy(this.#displaced, 0, offset, offset + RECORD_BYTES);
      carried.copy(records, offset);
      this.#displaced.copy(carried);
    }
  }

  #insert(from: number, to: number): void {
    const records = this.#records;
    for (let at = from + 1; at < to; at++) {
      let place = at;
      while (place > from && this.#compare(place - 1, at) > 0) place--;
      if (place === at) continue;
      records.copy(this.#carried, 0, at * RECORD_BYTES, (at + 1) * RECORD_BYTES);
      records.copyWithin((place + 1) * RECORD_BYTES, place * RECORD_BYTES, at * RECORD_BYTES);
      this.#carried.copy(records, place * RECORD_BYTES);
    }
  }

  #compare(left: number, right: number): number {
    const [at, other] = [left * RECORD_BYTES, right * RECORD_BYTES];
    return this.#records.compare(this.#records, other, other + RECORD_BYTES, at, at + RECORD_BYTES);
  }
}
