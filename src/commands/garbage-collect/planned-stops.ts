import { PlannedStop } from "../../operations/gc/planned-stop.ts";
import { isLockOf } from "../../operations/runs/run-liveness.ts";
import type { RunIdentity } from "../../state/run-record.ts";
import { isStopRequested } from "../../state/run-stop-request.ts";
import type { StorageDriver } from "../../storage/driver.ts";

/** The clock on the wall is read this often: timers know nothing of a clock that is set, or of a machine that slept. */
const LOOK_EVERY_MS = 1000;
/** A look into the store costs a request. */
const LOOKS_PER_REQUEST = 2;

/** Options of {@link watchForStops}. */
export interface StopWatchOptions {
  driver: StorageDriver;
  /** Who we are; undefined: nobody can ask this run to stop, since it holds no lock. */
  identity: RunIdentity | undefined;
  /** When to stop, in milliseconds since 1970. */
  untilMs: number | undefined;
  nowMs: () => number;
  /** Aborted when somebody has asked this process to stop; the reason may be a `PlannedStop`. */
  stopWanted?: AbortSignal | undefined;
  /** Aborts at once, whatever is planned. */
  signal: AbortSignal;
}

/** A signal that planned stops abort too. */
export interface StopWatch {
  readonly signal: AbortSignal;
  end(): void;
}

/** Watches the clock and the store for a reason to stop the run. To be ended with the run. */
export function watchForStops(options: StopWatchOptions): StopWatch {
  const { driver, identity, untilMs, nowMs, stopWanted } = options;
  const planned = new AbortController();
  const onStop = (): void => {
    const reason: unknown = stopWanted?.reason;
    planned.abort(reason instanceof PlannedStop ? reason : new PlannedStop("stop"));
  };
  if (stopWanted?.aborted) onStop();
  stopWanted?.addEventListener("abort", onStop);
  let looks = 0;
  let isLooking = false;
  const lookIntoStore = async (self: RunIdentity): Promise<void> => {
    isLooking = true;
    try {
      if (await isStopRequested(driver, (lock) => isLockOf(lock, self)))
        planned.abort(new PlannedStop("stop"));
    } catch {
      // A passing fault of the store; the next look may tell.
    } finally {
      isLooking = false;
    }
  };
  const look = (): void => {
    if (untilMs !== undefined && nowMs() >= untilMs) planned.abort(new PlannedStop("until"));
    else if (identity && !isLooking && looks++ % LOOKS_PER_REQUEST === 0) void lookIntoStore(identity);
  };
  if (untilMs !== undefined) look();
  const timer = setInterval(look, LOOK_EVERY_MS);
  timer.unref();
  return {
    signal: AbortSignal.any([options.signal, planned.signal]),
    end: () => {
      clearInterval(timer);
      stopWanted?.removeEventListener("abort", onStop);
    },
  };
}
