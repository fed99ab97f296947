/**
 * Holds the tags of a repository back until everything that they could name has been copied: the links before them, in
 * key order, of the same repository.
 */
export class RepositoryGate {
  /** The repository, also where its name is none that clients can push to. */
  readonly name: string;
  /** Its folder. */
  readonly path: string;
  /** Something of the repository could not be copied, so that its tags may name what is not there. */
  isBroken = false;
  #underWay = 0;
  #waiting: (() => void)[] = [];

  constructor(name: string, path: string) {
    this.name = name;
    this.path = path;
  }

  /** A link before the tags is to be copied. */
  enter(): void {
    this.#underWay++;
  }

  /** It is copied, or will not be. */
  leave(): void {
    this.#underWay--;
    if (this.#underWay > 0) return;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const run of waiting) run();
  }

  /** Calls `run` as soon as nothing before the tags is under way: at once, or later. */
  whenOpen(run: () => void): void {
    if (this.#underWay === 0) run();
    else this.#waiting.push(run);
  }
}
