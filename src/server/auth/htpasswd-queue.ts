/** Bounds of a {@link HtpasswdQueue}. */
export interface HtpasswdQueueOptions {
  /** So much work runs at a time. */
  parallel: number;
  /** So many pieces of one client may wait. */
  waitingOfClient: number;
  /** So many pieces may wait in all. */
  waiting: number;
}

/**
 * Lets clients take turns at work that costs much: one piece of each client at a time, so that each knows how the one
 * before it ended, and no client waits for all that another one has asked for.
 */
export class HtpasswdQueue {
  readonly #options: HtpasswdQueueOptions;
  /** In the order in which clients have their turns. */
  readonly #waiting = new Map<string, (() => void)[]>();
  readonly #running = new Set<string>();
  #waitingCount = 0;

  constructor(options: HtpasswdQueueOptions) {
    this.#options = options;
  }

  /** Tells whether no more work of this client can wait. */
  isFullFor(client: string): boolean {
    const own = this.#waiting.get(client)?.length ?? 0;
    return own >= this.#options.waitingOfClient || this.#waitingCount >= this.#options.waiting;
  }

  /** Does the work when it is the client's turn. @returns what it comes to */
  async run<T>(client: string, work: () => Promise<T>): Promise<T> {
    if (!this.#mayRun(client)) await this.#turn(client);
    else this.#running.add(client);
    try {
      return await work();
    } finally {
      this.#running.delete(client);
      this.#startNext();
    }
  }

  #mayRun(client: string): boolean {
    return this.#running.size < this.#options.parallel && !this.#running.has(client);
  }

  #turn(client: string): Promise<void> {
    return new Promise((resolve) => {
      const own = this.#waiting.get(client);
      if (own === undefined) this.#waiting.set(client, [resolve]);
      else own.push(resolve);
      this.#waitingCount++;
    });
  }

  #startNext(): void {
    for (const [client, own] of this.#waiting) {
      if (this.#running.size >= this.#options.parallel) return;
      if (this.#running.has(client)) continue;
      const [first, ...rest] = own;
      // To the end of the line, so that the others come before its next one.
      this.#waiting.delete(client);
      if (rest.length > 0) this.#waiting.set(client, rest);
      this.#waitingCount--;
      this.#running.add(client);
      first?.();
    }
  }
}
