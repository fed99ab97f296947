/** Entries of one page; small, so that a small registry costs little. */
const PAGE_ENTRIES = 1 << 16;
const PAGE_BITS = 16;
const PAGE_MASK = PAGE_ENTRIES - 1;

type NumberArray = Uint8Array | Uint32Array | Float64Array;

/** A typed array that grows without copying what it holds. Entries that were never set are 0. */
export class PagedArray {
  readonly #pages: (NumberArray | undefined)[] = [];
  readonly #makePage: (length: number) => NumberArray;

  private constructor(makePage: (length: number) => NumberArray) {
    this.#makePage = makePage;
  }

  /** Entries from 0 to 255. */
  static bytes(): PagedArray {
    return new PagedArray((length) => new Uint8Array(length));
  }

  /** Entries from 0 to 2^32 - 1. */
  static integers(): PagedArray {
    return new PagedArray((length) => new Uint32Array(length));
  }

  /** Any numbers, for times and sizes. */
  static numbers(): PagedArray {
    return new PagedArray((length) => new Float64Array(length));
  }

  get(index: number): number {
    return this.#pages[index >>> PAGE_BITS]?.[index & PAGE_MASK] ?? 0;
  }

  set(index: number, value: number): void {
    const pageIndex = index >>> PAGE_BITS;
    let page = this.#pages[pageIndex];
    if (!page) {
      page = this.#makePage(PAGE_ENTRIES);
      this.#pages[pageIndex] = page;
    }
    page[index & PAGE_MASK] = value;
  }
}
