import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { endOf } from "./run-program.ts";

/** How often the kernel is asked for the peak memory: what a program takes in its last moments may be missed. */
const SAMPLE_MS = 10;
/** So much of what a program says on stderr is told when it fails. */
const MAX_COMPLAINT = 2000;

/** What one run took. */
export interface Measured {
  seconds: number;
  /** The most memory that was resident; 0 where the system does not tell (it is read from `/proc`). */
  peakBytes: number;
  /** False if it was killed at the time limit. */
  finished: boolean;
}

/** How long and with what to measure. */
export interface MeasureOptions {
  signal: AbortSignal;
  limitSeconds?: number;
}

/**
 * Runs a program whose output goes to `/dev/null`, without settings of either registry in its environment.
 *
 * @throws {Error} if it fails, with the end of what it said; an `AbortError` if `signal` stopped it
 */
export async function measureProgram(
  command: readonly string[],
  { signal, limitSeconds }: MeasureOptions,
): Promise<Measured> {
  const [program = "", ...args] = command;
  const began = performance.now();
  const child = spawn(program, args, {
    stdio: ["ignore", "ignore", "pipe"],
    signal,
    env: plainEnvironment(),
  });
  let complaint = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    complaint = (complaint + text).slice(-MAX_COMPLAINT);
  });
  let peakBytes = 0;
  const sampling = setInterval(() => {
    peakBytes = Math.max(peakBytes, readPeakMemory(child.pid));
  }, SAMPLE_MS);
  let finished = true;
  const kill = () => {
    finished = false;
    child.kill("SIGKILL");
  };
  const limit = limitSeconds === undefined ? undefined : setTimeout(kill, limitSeconds * 1000);
  try {
    const end = await endOf(child);
    const seconds = (performance.now() - began) / 1000;
    if (finished && end !== 0) throw new Error(`${command.join(" ")} ended with ${end}: ${complaint.trim()}`);
    return { seconds, peakBytes, finished };
  } finally {
    clearInterval(sampling);
    clearTimeout(limit);
  }
}

function readPeakMemory(pid: number | undefined): number {
  try {
    const kibibytes = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
    return Number(kibibytes ?? 0) * 1024;
  } catch {
    return 0;
  }
}

function plainEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("REGISTRY_")));
}
