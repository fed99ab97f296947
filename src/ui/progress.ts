import type { Writable } from "node:stream";
import type { Spinner } from "./spinner.ts";

/** What is shown: a text, or a function that makes one when the line is drawn. */
export type ProgressText = string | (() => string);

/** A spinner with a text, or plain lines where there is no terminal. */
export interface ProgressDisplay {
  update(text: ProgressText): void;
  stop(): void;
}

/** Options of {@link startProgress}. */
export interface ProgressOptions {
  hasColour?: boolean;
  /** The terminal cannot go back on a line (`TERM=dumb`): it gets plain lines. */
  isDumb?: boolean;
}

type Terminal = Writable & { isTTY?: boolean; columns?: number };

/** Without a terminal a line is written at most this often. */
const PLAIN_INTERVAL_MS = 60_000;
/** On a terminal the text is drawn anew this often. */
const REDRAW_MS = 200;

/**
 * Shows that something is going on: a spinner on a terminal; elsewhere one line at once and then one a minute, also when
 * nothing has changed.
 */
export function startProgress(
  text: ProgressText,
  stream: Terminal,
  options: ProgressOptions = {},
): ProgressDisplay {
  let latest = text;
  const draw = drawingOn(stream, textOf(text), options);
  const timer = setInterval(() => draw.line(textOf(latest)), draw.everyMs);
  timer.unref();
  return {
    update(next) {
      latest = next;
    },
    stop() {
      clearInterval(timer);
      draw.end();
    },
  };
}

interface Drawing {
  everyMs: number;
  line(text: string): void;
  end(): void;
}

function drawingOn(stream: Terminal, first: string, { hasColour = true, isDumb }: ProgressOptions): Drawing {
  // A terminal without a width (some pseudo-terminals) would make the spinner wrap its line for ever.
  if (!stream.isTTY || isDumb || stream.columns === undefined || stream.columns <= 0) {
    stream.write(`${first}\n`);
    return {
      everyMs: PLAIN_INTERVAL_MS,
      line: (text) => void stream.write(`${text}\n`),
      end: () => undefined,
    };
  }
  return spinning(stream, first, hasColour);
}

/** Loads what draws on terminals only where there is one. */
function spinning(stream: Writable, first: string, hasColour: boolean): Drawing {
  let latest = first;
  let hasEnded = false;
  let spinner: Spinner | undefined;
  void import("./spinner.ts").then(({ startSpinner }) => {
    if (!hasEnded) spinner = startSpinner(latest, stream, hasColour);
  });
  return {
    everyMs: REDRAW_MS,
    line: (text) => {
      latest = text;
      spinner?.text(text);
    },
    end: () => {
      hasEnded = true;
      spinner?.stop();
    },
  };
}

function textOf(text: ProgressText): string {
  return typeof text === "string" ? text : text();
}
