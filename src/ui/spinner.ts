import type { Writable } from "node:stream";
import ora from "ora";

/** A line with something that turns. */
export interface Spinner {
  text(text: string): void;
  stop(): void;
}

/** Shows a spinner on a terminal. */
export function startSpinner(text: string, stream: Writable, hasColour: boolean): Spinner {
  // discardStdin would put the terminal into raw mode, and Ctrl-C would not reach us as a signal.
  const color = hasColour ? "cyan" : false;
  const spinner = ora({ text, color, stream: stream as NodeJS.WriteStream, discardStdin: false }).start();
  return {
    text: (next) => {
      spinner.text = next;
    },
    stop: () => void spinner.stop(),
  };
}
