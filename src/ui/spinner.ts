import type { Writable } from "node:stream";
import ora from "ora";

/** A line with something that turns. */
export interface Spinner {
  text(text: string): void;
  stop(): void;
}

/** Shows a spinner on a terminal. */
export function startSpinner(text: string, stream: Writable): Spinner {
  // discardStdin would put the terminal into raw mode, and Ctrl-C would not reach us as a signal.
  const spinner = ora({ text, stream: stream as NodeJS.WriteStream, discardStdin: false }).start();
  return {
    text: (next) => {
      spinner.text = next;
    },
    stop: () => void spinner.stop(),
  };
}
