import type { DigestId, DigestTable } from "../../registry/graph/digest-table.ts";
import { PagedArray } from "../../registry/graph/paged-array.ts";

/** The blob files of a store: nine bytes for each digest. */
export class StoredBlobs {
  readonly #table: DigestTable;
  /** Sizes in bytes + 1; 0: there is no such file. */
  readonly #sizes = PagedArray.numbers();
  readonly #isYoung = PagedArray.bytes();
  #count = 0;
  #bytes = 0;

  constructor(table: DigestTable) {
    this.#table = table;
  }

  /** How many files there are. */
  get count(): number {
    return this.#count;
  }

  /** The sum of the files' sizes. */
  get bytes(): number {
    return this.#bytes;
  }

  /** @param isYoung - `garbage-collect` keeps it for now, needed or not */
  add(id: DigestId, sizeBytes: number, isYoung: boolean): void {
    if (this.has(id)) return;
    this.#sizes.set(id, sizeBytes + 1);
    if (isYoung) this.#isYoung.set(id, 1);
    this.#count++;
    this.#bytes += sizeBytes;
  }

  has(id: DigestId): boolean {
    return this.#sizes.get(id) > 0;
  }

  /** @returns the size of the file; 0 if there is none */
  sizeBytes(id: DigestId): number {
    return Math.max(0, this.#sizes.get(id) - 1);
  }

  isYoung(id: DigestId): boolean {
    return this.#isYoung.get(id) === 1;
  }

  /** All that have a file. */
  *ids(): Generator<DigestId> {
    for (const id of this.#table.ids()) if (this.has(id)) yield id;
  }
}
