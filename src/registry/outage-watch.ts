import { StorageUnavailableError } from "../errors.ts";
import type { StorageDriver } from "../storage/driver.ts";
import { wrapDriver } from "../storage/wrappers/wrap-driver.ts";

/** So many reads in a row fail only where the store is away, or denies them all. */
const MAX_FAILURES_IN_A_ROW = 200;

/**
 * Notices that a store does not answer any more, or denies whatever is read. One file that cannot be read is left to
 * whoever wants it; if none can, going through millions of them would take days and come to nothing.
 */
export class OutageWatch {
  /** Reads through it are watched. */
  readonly driver: StorageDriver;
  /** Aborted with the outage, as with the signal that was given. */
  readonly signal: AbortSignal;
  #error: StorageUnavailableError | undefined;
  #failuresInARow = 0;

  constructor(driver: StorageDriver, signal: AbortSignal | undefined) {
    const outage = new AbortController();
    this.signal = signal ? AbortSignal.any([signal, outage.signal]) : outage.signal;
    this.driver = wrapDriver(driver, {
      call: async ({ method }, run) => {
        if (method !== "get" && method !== "statFile") return run();
        try {
          const result = await run();
          this.#failuresInARow = 0;
          return result;
        } catch (error) {
          if (!(error instanceof StorageUnavailableError)) this.#failuresInARow = 0;
          else if (++this.#failuresInARow >= MAX_FAILURES_IN_A_ROW) {
            this.#error ??= error;
            outage.abort();
          }
          throw error;
        }
      },
    });
  }

  /** @throws {StorageUnavailableError} the last failure, if there is an outage */
  check(): void {
    if (this.#error) throw this.#error;
  }
}
