import { RespawnPolicy } from "./respawn-policy.ts";

/** When the next worker comes in the place of one that has died. */
export class Respawning {
  readonly #fork: () => void;
  readonly #policy = new RespawnPolicy();
  readonly #timers = new Set<NodeJS.Timeout>();

  /** @param fork - starts a worker */
  constructor(fork: () => void) {
    this.#fork = fork;
  }

  /** See {@link RespawnPolicy.isHopeless}. */
  get isHopeless(): boolean {
    return this.#policy.isHopeless;
  }

  /** A worker has died, or could not be started. @returns after how many milliseconds another one may be started */
  delayAfterDeath(startedMs: number, listeningMs: number | undefined): number {
    return this.#policy.delayAfterDeath(startedMs, listeningMs);
  }

  /** Starts a worker then. */
  forkAfter(delayMs: number): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      this.#fork();
    }, delayMs);
    this.#timers.add(timer);
  }

  /** Nobody is to come any more. */
  clear(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
  }
}
