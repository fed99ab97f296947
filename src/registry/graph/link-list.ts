import type { DigestId } from "./digest-table.ts";
import { NumberList } from "./number-list.ts";

/** Links of one kind in one folder: what they point to and when they were written. */
export class LinkList {
  readonly #ids = NumberList.integers();
  readonly #times = NumberList.numbers();

  get length(): number {
    return this.#ids.length;
  }

  /** @param modifiedMs - undefined where the listing did not say */
  push(id: DigestId, modifiedMs: number | undefined): void {
    this.#ids.push(id);
    this.#times.push(modifiedMs ?? Number.NaN);
  }

  id(index: number): DigestId {
    return this.#ids.at(index);
  }

  /** @returns NaN if it is not known yet */
  modifiedMs(index: number): number {
    return this.#times.at(index);
  }

  setModifiedMs(index: number, modifiedMs: number): void {
    this.#times.set(index, modifiedMs);
  }

  ids(): Iterable<DigestId> {
    return this.#ids;
  }

  /** The indexes of all links. */
  *keys(): Generator<number> {
    for (let index = 0; index < this.length; index++) yield index;
  }
}
