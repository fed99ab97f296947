/** One piece of work that was begun; to be given back when it is done. */
export interface BegunWork {
  /** Up to here everything is done once it and all before it are. */
  upTo: string;
  before: BegunWork | undefined;
  behind: BegunWork | undefined;
}

/**
 * Tells up to which path everything is done, where work is begun in order and ends in any. What never ends holds it back
 * for good. Memory grows with what is under way, not with what was done behind it.
 */
export class LowWater {
  #position: string;
  #first: BegunWork | undefined;
  #last: BegunWork | undefined;

  constructor(position: string) {
    this.#position = position;
  }

  /** The last path for which it and all before it are done. */
  get position(): string {
    return this.#position;
  }

  /** The last path that was told of. */
  get lastPath(): string {
    return this.#last?.upTo ?? this.#position;
  }

  /** The path, and all between it and what was told before, needs no work. */
  passed(path: string): void {
    if (this.#last) this.#last.upTo = path;
    else this.#position = path;
  }

  /** Work on a path has begun. */
  begin(path: string): BegunWork {
    const work: BegunWork = { upTo: path, before: this.#last, behind: undefined };
    if (this.#last) this.#last.behind = work;
    else this.#first = work;
    this.#last = work;
    return work;
  }

  /** The work is done. To be called once. */
  end(work: BegunWork): void {
    const { before, behind } = work;
    if (before) {
      before.upTo = work.upTo;
      before.behind = behind;
    } else {
      this.#position = work.upTo;
      this.#first = behind;
    }
    if (behind) behind.before = before;
    else this.#last = before;
  }

  /** Whether all that was begun is done. */
  get isDone(): boolean {
    return this.#first === undefined;
  }
}
