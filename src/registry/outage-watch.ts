import { setMaxListeners } from "node:events";
import { StorageUnavailableError } from "../errors.ts";
import type { StorageDriver } from "../storage/driver.ts";
import { wrapDriver } from "../storage/wrappers/wrap-driver.ts";
import { FailureRow } from "./failure-row.ts";

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

  /** @param now - milliseconds from anywhere on */
  constructor(driver: StorageDriver, signal: AbortSignal | undefined, now = () => performance.now()) {
    const outage = new AbortController();
    const row = new FailureRow(now);
    this.signal = signal ? AbortSignal.any([signal, outage.signal]) : outage.signal;
    // Each read that is under way listens: more of them than Node takes for a leak are none here.
    setMaxListeners(0, this.signal);
    this.driver = wrapDriver(driver, {
      call: async ({ method }, run) => {
        if (method !== "get" && method !== "statFile") return run();
        const begunMs = row.begin();
        try {
          const result = await run();
          row.succeeded();
          return result;
        } catch (error) {
          if (!(error instanceof StorageUnavailableError)) row.succeeded();
          else if (row.failed(begunMs)) {
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
