import { spawn } from "node:child_process";
import { text } from "node:stream/consumers";
import { endOf } from "../gc/run-program.ts";

/** What one run of a program took. */
export interface TimedRun {
  seconds: number;
  /** Of the program and all that it started, user and system. */
  cpuSeconds: number;
  stdout: string;
}

/** Tells the times of the program that follows, on the last line of stderr. */
const TIMED = ["bash", "-c", 'TIMEFORMAT="%R %U %S"; time "$@"', "bash"];

/**
 * Runs a program to its end.
 *
 * @throws {Error} if it fails, with the end of what it said; an `AbortError` if `signal` stopped it
 */
export async function runTimed(
  command: readonly string[],
  env: NodeJS.ProcessEnv,
  signal: AbortSignal,
): Promise<TimedRun> {
  const [bash = "", ...args] = [...TIMED, ...command];
  const child = spawn(bash, args, { stdio: ["ignore", "pipe", "pipe"], env, signal });
  const [end, stdout, stderr] = await Promise.all([endOf(child), text(child.stdout), text(child.stderr)]);
  if (end !== 0) throw new Error(`${command[0]} ended with ${end}: ${stderr.trim().slice(-2000)}`);
  const [seconds = 0, user = 0, system = 0] = (stderr.trim().split("\n").at(-1) ?? "").split(" ").map(Number);
  return { seconds, cpuSeconds: user + system, stdout };
}
