import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { execa } from "execa";

/** One of Ceph's servers, or what is left of it. */
export interface CephProcess {
  readonly pid: number;
  hasEnded(): boolean;
  /** What it has written to its standard streams, which is little: the rest is in its log. */
  output(): string;
  /** Sends a signal and waits for the end; after ten seconds without one it is killed. Harmless if it has ended. */
  end(signal: "SIGTERM" | "SIGKILL"): Promise<void>;
}

const PATIENCE_MS = 10_000;

/** Runs a program inside a root folder, with a `/proc` that only it sees: releases before 17 end without one. */
const inRoot = (root: string): string[] => ["unshare", "--mount", `--root=${root}`, "--mount-proc=/proc"];

/**
 * Starts one of Ceph's servers in the foreground. It dies with the process that calls this, however that one ends, so
 * that no test leaves a cluster behind.
 */
export function startCephProcess(root: string, command: readonly string[]): CephProcess {
  const child = spawn("setpriv", ["--pdeathsig", "KILL", ...inRoot(root), ...command], {
    stdio: ["ignore", "pipe", "pipe"],
    // Otherwise the allocator keeps for itself what the object store in memory has given back.
    env: { ...process.env, TCMALLOC_AGGRESSIVE_DECOMMIT: "t" },
  });
  let output = "";
  const keep = (text: string): void => {
    output = (output + text).slice(-10_000);
  };
  child.stdout.setEncoding("utf8").on("data", keep);
  child.stderr.setEncoding("utf8").on("data", keep);
  child.on("error", (error) => keep(error.message));
  const ended = once(child, "close").catch(() => undefined);
  const hasEnded = (): boolean => isOver(child);
  return {
    pid: child.pid ?? 0,
    hasEnded,
    output: () => output,
    async end(signal) {
      if (!hasEnded()) child.kill(signal);
      const timer = setTimeout(() => child.kill("SIGKILL"), PATIENCE_MS);
      if (!hasEnded()) await ended;
      clearTimeout(timer);
    },
  };
}

/**
 * Runs one of Ceph's programs to its end.
 *
 * @returns what it wrote to its standard output
 * @throws {Error} with what it wrote if it fails
 */
export async function runCeph(root: string, command: readonly string[]): Promise<string> {
  const [program = "", ...args] = [...inRoot(root), ...command];
  const result = await execa(program, args, { stdin: "ignore", timeout: 60_000, reject: false });
  if (!result.failed) return result.stdout;
  // A program that dies writes out all that it has done lately; how it begins says why.
  throw new Error(`${command.join(" ")}: exit code ${result.exitCode}: ${result.stderr.slice(0, 1000)}`);
}

function isOver(child: ChildProcess): boolean {
  return child.pid === undefined || child.exitCode !== null || child.signalCode !== null;
}
