import type { DigestId } from "./digest-table.ts";
import { NumberList } from "./number-list.ts";

/** Links of one kind in one folder: what they point to and, as far as that is known, when they were written. */
export class LinkList {
  #ids = NumberList.integers();
  /** Made when the first time is told: a scan of a filesystem tells none. */
  #times: NumberList | undefined;

  get length(): number {
    return this.#ids.length;
  }

  /** @param modifiedMs - undefined where the listing did not say */
  push(id: DigestId, modifiedMs?: number): void {
    this.#ids.push(id);
    if (modifiedMs !== undefined) this.setModifiedMs(this.length - 1, modifiedMs);
  }

  id(index: number): DigestId {
    return this.#ids.at(index);
  }

  /** @returns NaN if it is not known yet */
  modifiedMs(index: number): number {
    return this.#times?.at(index) ?? Number.NaN;
  }

  setModifiedMs(index: number, modifiedMs: number): void {
    this.#times ??= NumberList.numbers();
    while (this.#times.length <= index) this.#times.push(Number.NaN);
    this.#times.set(index, modifiedMs);
  }

  /** Takes links out. The others keep their order, so that the indexes of those behind change. */
  remove(indexes: ReadonlySet<number>): void {
    const ids = this.#ids;
    const times = this.#times;
    this.#ids = NumberList.integers();
    this.#times = undefined;
    for (let index = 0; index < ids.length; index++) {
      const modifiedMs = times?.at(index);
      if (!indexes.has(index)) this.push(ids.at(index), Number.isNaN(modifiedMs) ? undefined : modifiedMs);
    }
  }

  ids(): Iterable<DigestId> {
    return this.#ids;
  }

  /** The indexes of all links. */
  *keys(): Generator<number> {
    for (let index = 0; index < this.length; index++) yield index;
  }
}
