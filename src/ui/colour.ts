import type { Writable } from "node:stream";
import { Chalk } from "chalk";

/** The few ways in which text stands out. Colour never carries meaning alone. */
export interface Colours {
  error(text: string): string;
  warning(text: string): string;
  strong(text: string): string;
}

/**
 * Decides once for a stream whether to colour: not without a terminal, with `NO_COLOR` set and not empty (chalk
 * itself does not look at it), with `TERM=dumb` or with `--no-color`.
 */
export function coloursFor(
  stream: Writable,
  options: { env: Readonly<Record<string, string | undefined>>; noColor: boolean },
): Colours {
  const isTerminal = "isTTY" in stream && stream.isTTY === true;
  const wanted = isTerminal && !options.env["NO_COLOR"] && options.env["TERM"] !== "dumb" && !options.noColor;
  const chalk = new Chalk({ level: wanted ? 1 : 0 });
  return {
    error: (text) => chalk.red(text),
    warning: (text) => chalk.yellow(text),
    strong: (text) => chalk.bold(text),
  };
}
