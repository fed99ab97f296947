import { CancelledError } from "../../errors.ts";
import { FolderGrants } from "./shared-rate-folder.ts";
import { LocalGrants, type RequestGrants } from "./shared-rate-grants.ts";

/** Keeps requests below a rate. */
export interface RequestRate {
  /**
   * Waits for the turn of one request; turns come in the order in which they were asked for.
   *
   * @returns undefined if it is the request's turn at once
   * @throws {CancelledError} if `signal` is aborted first
   */
  take(signal: AbortSignal | undefined): Promise<void> | undefined;
}

/** Options of {@link createRequestRate}. */
export interface RequestRateOptions {
  /** 0: without limit. */
  perSecond: number;
  /** Shared by all processes that keep the rate together; undefined: this process keeps it alone. */
  folder: string | undefined;
  /** Told once if the folder cannot be used. */
  onNotice?: ((message: string) => void) | undefined;
  /** Milliseconds since 1970. */
  now?: (() => number) | undefined;
}

/** Makes the rate that a configuration asks for. */
export function createRequestRate(options: RequestRateOptions): RequestRate {
  const { perSecond, folder, onNotice, now = Date.now } = options;
  if (perSecond <= 0) return { take: () => undefined };
  const grants =
    folder === undefined ? new LocalGrants(perSecond) : new FolderGrants(perSecond, folder, onNotice);
  return new GrantedRate(grants, now);
}

interface Waiter {
  resolve(): void;
}

/** Requests that were granted and not made are lost after this long, or an idle process would hold them back. */
const GRANT_LASTS_MS = 1000;

class GrantedRate implements RequestRate {
  readonly #grants: RequestGrants;
  readonly #now: () => number;
  readonly #waiters = new Set<Waiter>();
  #left = 0;
  #leftUntilMs = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(grants: RequestGrants, now: () => number) {
    this.#grants = grants;
    this.#now = now;
  }

  take(signal: AbortSignal | undefined): Promise<void> | undefined {
    if (this.#waiters.size === 0 && this.#spend()) return undefined;
    return new Promise((resolve, reject) => {
      const waiter: Waiter = {
        resolve() {
          signal?.removeEventListener("abort", cancel);
          resolve();
        },
      };
      const cancel = () => {
        this.#waiters.delete(waiter);
        reject(new CancelledError());
      };
      if (signal?.aborted) {
        cancel();
        return;
      }
      signal?.addEventListener("abort", cancel, { once: true });
      this.#waiters.add(waiter);
      this.#wakeLater();
    });
  }

  #spend(): boolean {
    const nowMs = this.#now();
    if (this.#left === 0 || nowMs >= this.#leftUntilMs) {
      this.#left = this.#grants.take(nowMs);
      this.#leftUntilMs = nowMs + GRANT_LASTS_MS;
    }
    if (this.#left === 0) return false;
    this.#left--;
    return true;
  }

  #wakeLater(): void {
    if (this.#timer !== undefined || this.#waiters.size === 0) return;
    const delayMs = Math.max(1, Math.ceil(this.#grants.nextMs(this.#now()) - this.#now()));
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#wake();
    }, delayMs);
  }

  #wake(): void {
    for (const waiter of this.#waiters) {
      if (!this.#spend()) break;
      this.#waiters.delete(waiter);
      waiter.resolve();
    }
    this.#wakeLater();
  }
}
