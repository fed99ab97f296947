import type { Writable } from "node:stream";
import { Chalk } from "chalk";

/** The few ways in which text stands out. Colour never carries meaning alone. */
export interface Colours {
  error(text: string): string;
  warning(text: string): string;
  strong(text: string): string;
  /** Of a line that a change adds. */
  added(text: string): string;
}

/** What decides on colour beside the stream. */
export interface ColourOptions {
  env: Readonly<Record<string, string | undefined>>;
  /** `--no-color`. */
  noColor: boolean;
}

/**
 * Decides once for a stream whether to colour: not without a terminal, with `NO_COLOR` set and not empty (chalk
 * itself does not look at it), with `TERM=dumb` or with `--no-color`.
 */
export function wantsColour(stream: Writable, { env, noColor }: ColourOptions): boolean {
  const isTerminal = "isTTY" in stream && stream.isTTY === true;
  return isTerminal && !env["NO_COLOR"] && env["TERM"] !== "dumb" && !noColor;
}

/** @returns the colours of a stream; without effect where colour is not wanted */
export function coloursFor(stream: Writable, options: ColourOptions): Colours {
  const chalk = new Chalk({ level: wantsColour(stream, options) ? 1 : 0 });
  return {
    error: (text) => chalk.red(text),
    warning: (text) => chalk.yellow(text),
    strong: (text) => chalk.bold(text),
    added: (text) => chalk.green(text),
  };
}
