/** A wait for the answers of several workers. */
export class Wait {
  readonly #on = new Set<number>();
  #end: ((isComplete: boolean) => void) | undefined;

  /** @returns whether all have answered, or nobody has to any more, in time */
  start(workers: Iterable<number>, withinMs: number): Promise<boolean> {
    for (const worker of workers) this.#on.add(worker);
    if (this.#on.size === 0) return Promise.resolve(true);
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#end?.(false), withinMs);
      this.#end = (isComplete) => {
        clearTimeout(timer);
        this.#end = undefined;
        resolve(isComplete);
      };
    });
  }

  isOn(worker: number): boolean {
    return this.#on.has(worker);
  }

  /** A worker has answered, or never has to. */
  settle(worker: number): void {
    if (this.#on.delete(worker) && this.#on.size === 0) this.#end?.(true);
  }

  /** Nobody can answer any more. */
  giveUp(): void {
    this.#end?.(false);
  }
}
