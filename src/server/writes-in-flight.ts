import { RegistryStateError } from "../errors.ts";
import type { Exchange } from "./exchange.ts";

/** How long requests that were cut off may take to put away what they had begun. */
const PUT_AWAY_MS = 30_000;

interface Wait {
  look(): void;
  finish(isWanted: boolean): void;
}

/** The requests that write and have not ended. */
export class WritesInFlight {
  readonly #open = new Set<Exchange>();
  readonly #waiting = new Set<Wait>();

  /** Those of them that write an upload. */
  get uploads(): number {
    let count = 0;
    for (const { route } of this.#open) if (route.kind === "upload" || route.kind === "uploads") count++;
    return count;
  }

  begin(exchange: Exchange): void {
    this.#open.add(exchange);
  }

  /** To be called for every request, when nothing is done for it any more. */
  end(exchange: Exchange): void {
    if (this.#open.delete(exchange)) for (const wait of this.#waiting) wait.look();
  }

  /**
   * Waits for the end of the requests that write now; later ones do not count.
   *
   * @param withinMs - then they are cut off
   * @param isMeant - leaves some out; default: none. Asked again when the time is over: what is not meant any more goes on
   * @returns how many were cut off: none if they were let go meanwhile
   * @throws {RegistryStateError} if one does not end although it was cut off
   */
  async settle(withinMs: number, isMeant: (exchange: Exchange) => boolean = () => true): Promise<number> {
    const meant = [...this.#open].filter(isMeant);
    if (withinMs > 0 && !(await this.#ended(meant, withinMs))) return 0;
    const left = meant.filter((exchange) => this.#open.has(exchange) && isMeant(exchange));
    for (const exchange of left) exchange.wire.cutAnswer();
    if (!(await this.#ended(left, PUT_AWAY_MS))) return left.length;
    const stuck = left.filter((exchange) => this.#open.has(exchange));
    if (stuck.length > 0) {
      throw new RegistryStateError(`${stuck.length} requests that write do not end`, {
        hint: "look whether the store answers",
      });
    }
    return left.length;
  }

  /** Writes are taken again: nobody waits for those under way any more, and they go on. */
  letGo(): void {
    for (const wait of this.#waiting) wait.finish(false);
  }

  /** @returns when they have ended or the time is over; false if they were let go before */
  #ended(exchanges: readonly Exchange[], withinMs: number): Promise<boolean> {
    const isOver = (): boolean => !exchanges.some((exchange) => this.#open.has(exchange));
    if (isOver()) return Promise.resolve(true);
    return new Promise((resolve) => {
      const wait: Wait = {
        look() {
          if (isOver()) wait.finish(true);
        },
        finish: (isWanted) => {
          clearTimeout(timer);
          this.#waiting.delete(wait);
          resolve(isWanted);
        },
      };
      const timer = setTimeout(() => wait.finish(true), withinMs);
      this.#waiting.add(wait);
    });
  }
}
