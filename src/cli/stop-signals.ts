import { CancelledError } from "../errors.ts";
import { STOP_SIGNALS } from "./exit-codes.ts";

type StopSignal = keyof typeof STOP_SIGNALS;

/** How a command learns that it is to stop. */
export interface StopRequest {
  /** Aborted by the first signal. */
  readonly signal: AbortSignal;
  /** The signal that came, if one came. */
  stoppedBy(): StopSignal | undefined;
  /** From now on SIGHUP calls `listener`, and asks nobody to stop. */
  onHangup(listener: () => void): void;
  /** Gives the signals back to Node. */
  forget(): void;
}

/** Listens for SIGINT, SIGTERM and SIGHUP: the first asks the command to stop, the second ends the process at once. */
export function onStopSignal(): StopRequest {
  const controller = new AbortController();
  let stoppedBy: StopSignal | undefined;
  let onHangup: (() => void) | undefined;
  const listener = (name: NodeJS.Signals): void => {
    if (!isStopSignal(name)) return;
    if (name === "SIGHUP" && onHangup !== undefined) {
      onHangup();
      return;
    }
    if (stoppedBy !== undefined) process.exit(STOP_SIGNALS[name]);
    stoppedBy = name;
    controller.abort(new CancelledError(`stopped by ${name}`));
  };
  for (const name of Object.keys(STOP_SIGNALS)) process.on(name, listener);
  return {
    signal: controller.signal,
    stoppedBy: () => stoppedBy,
    onHangup: (listener) => {
      onHangup = listener;
    },
    forget: () => {
      for (const name of Object.keys(STOP_SIGNALS)) process.removeListener(name, listener);
    },
  };
}

function isStopSignal(name: string): name is StopSignal {
  return Object.hasOwn(STOP_SIGNALS, name);
}
