import type { DigestId } from "./digest-table.ts";
import { NumberList } from "./number-list.ts";
import { PagedArray } from "./paged-array.ts";

/**
 * A set of digests that is emptied in no time, however large: the set of one repository after the other is made from
 * the same memory.
 */
export class DigestSet {
  /** Where a digest stands in `#members`; meaningless unless that entry is the digest. */
  readonly #positions = PagedArray.integers();
  #members = NumberList.integers();

  get size(): number {
    return this.#members.length;
  }

  has(id: DigestId): boolean {
    const position = this.#positions.get(id);
    return position < this.#members.length && this.#members.at(position) === id;
  }

  /** @returns false if it was in already */
  add(id: DigestId): boolean {
    if (this.has(id)) return false;
    this.#positions.set(id, this.#members.length);
    this.#members.push(id);
    return true;
  }

  /** @returns the members in the order in which they were added; members added meanwhile are given too */
  *members(): Generator<DigestId> {
    for (let index = 0; index < this.#members.length; index++) yield this.#members.at(index);
  }

  clear(): void {
    this.#members = NumberList.integers();
  }
}
