import type { DigestId } from "../../registry/graph/digest-table.ts";
import { PagedArray } from "../../registry/graph/paged-array.ts";

/** Where {@link HeldDigests} of all repositories and tags are kept: four bytes for each. */
export class DigestPool {
  readonly #ids = PagedArray.integers();
  #length = 0;

  /** How many were pushed. */
  get length(): number {
    return this.#length;
  }

  push(id: DigestId): void {
    this.#ids.set(this.#length++, id);
  }

  at(index: number): DigestId {
    return this.#ids.get(index);
  }
}

/** The digests that something needs, each once: manifests, configs and layers, stored or missing. */
export class HeldDigests {
  readonly #pool: DigestPool;
  readonly #start: number;
  readonly #taggedEnd: number;
  readonly #end: number;

  /**
   * @param start - index in the pool of the first one
   * @param taggedEnd - index behind the last one that is kept with `-m` too
   * @param end - index behind the last one
   */
  constructor(pool: DigestPool, start: number, taggedEnd: number, end: number) {
    this.#pool = pool;
    this.#start = start;
    this.#taggedEnd = taggedEnd;
    this.#end = end;
  }

  get length(): number {
    return this.#end - this.#start;
  }

  /** Those that `garbage-collect` keeps. */
  all(): Generator<DigestId> {
    return this.#between(this.#start, this.#end);
  }

  /** Those that `garbage-collect -m` keeps. */
  tagged(): Generator<DigestId> {
    return this.#between(this.#start, this.#taggedEnd);
  }

  /** Those that `garbage-collect` keeps and `garbage-collect -m` does not need here. */
  untagged(): Generator<DigestId> {
    return this.#between(this.#taggedEnd, this.#end);
  }

  *#between(start: number, end: number): Generator<DigestId> {
    for (let index = start; index < end; index++) yield this.#pool.at(index);
  }
}
