import type { Writable } from "node:stream";
import ora from "ora";

/** A spinner with a text, or plain lines where there is no terminal. */
export interface ProgressDisplay {
  update(text: string): void;
  stop(): void;
}

/** Without a terminal a line is written at most this often. */
const PLAIN_INTERVAL_MS = 60_000;

/**
 * Shows that something is going on: a spinner on a terminal; elsewhere one line at once and then one a minute.
 */
export function startProgress(
  text: string,
  stream: Writable & { isTTY?: boolean; columns?: number },
): ProgressDisplay {
  // A terminal without a width (some pseudo-terminals) would make the spinner wrap its line for ever.
  if (stream.isTTY && stream.columns !== undefined && stream.columns > 0) {
    // discardStdin would put the terminal into raw mode, and Ctrl-C would not reach us as a signal.
    const spinner = ora({ text, stream: stream as NodeJS.WriteStream, discardStdin: false }).start();
    return {
      update(next) {
        spinner.text = next;
      },
      stop: () => void spinner.stop(),
    };
  }
  let shownAt = Date.now();
  stream.write(`${text}\n`);
  return {
    update(next) {
      if (Date.now() - shownAt < PLAIN_INTERVAL_MS) return;
      shownAt = Date.now();
      stream.write(`${next}\n`);
    },
    stop: () => undefined,
  };
}
