import { execa } from "execa";
import { ownProgram } from "./own-program.ts";

/** How a command of this program ended. */
export interface QuietEnd {
  exitCode: number;
  /** What it said on standard error, its beginning and its end. */
  messages: string;
  seconds: number;
}

/** More than a mail should have. */
const MAX_CHARS = 8000;
/** A command that is asked to stop does so after what it is at. */
const KILL_AFTER_MS = 10 * 60_000;
/** What shells give to a program that a signal ends, for signals that do not tell their number. */
const SIGNALLED = 128;
const SIGNAL_NUMBERS: Readonly<Record<string, number>> = { SIGHUP: 1, SIGINT: 2, SIGKILL: 9, SIGTERM: 15 };

/**
 * Runs another command of this program and keeps what it says to itself. An abort asks it to stop, and waits for its end.
 */
export async function runQuietly(args: readonly string[], signal: AbortSignal): Promise<QuietEnd> {
  const startedAt = Date.now();
  const [node, script] = ownProgram();
  const child = execa(node, [script, ...args], {
    stdin: "ignore",
    stdout: "ignore",
    reject: false,
    maxBuffer: 64 * 1024 * 1024,
    forceKillAfterDelay: KILL_AFTER_MS,
  });
  const stop = (): void => void child.kill("SIGTERM");
  signal.addEventListener("abort", stop, { once: true });
  if (signal.aborted) stop();
  const { exitCode, stderr, signal: endedBy } = await child;
  signal.removeEventListener("abort", stop);
  return {
    exitCode: exitCode ?? SIGNALLED + (SIGNAL_NUMBERS[endedBy ?? ""] ?? 0),
    messages: shortened(stderr.trim()),
    seconds: Math.round((Date.now() - startedAt) / 1000),
  };
}

function shortened(text: string): string {
  if (text.length <= MAX_CHARS) return text;
  return `${text.slice(0, MAX_CHARS / 2)}\n[...]\n${text.slice(-MAX_CHARS / 2)}`;
}
