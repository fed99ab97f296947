import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { describe } from "vitest";
import { type CollectorEnd, type CollectorOptions, runCollector } from "./collector-process.ts";
import { describeWithPrograms, findProgram, programPath } from "./programs.ts";

/** A system call that fails, as on a bad disk. */
export interface Fault {
  /** As strace has them: `getdents64`, or several with commas. */
  calls: string;
  /** Which of these calls fails, in each thread: the n-th as `7`, from then on all as `7+`. */
  when: string;
  /** What becomes of it; `signal=KILL` kills the program there. Default: it fails with EIO. */
  effect?: string;
  /** Only calls that work on this very path fail, or are counted. */
  path?: string;
}

/** A collection in which system calls failed. */
export interface FaultyEnd extends CollectorEnd {
  /** Absolute paths that were worked on by the calls that failed. */
  hit: string[];
}

/** One system call that a collection made. */
export interface TracedCall {
  path: string;
  /** The how manieth of its kind it is in its thread, from 1. */
  number: number;
}

/**
 * Declares tests that make system calls of the program fail. They need strace, and the right to trace; elsewhere they
 * are skipped, with the reason in their title.
 */
export function describeWithFaults(title: string, body: () => void): void {
  if (findProgram("strace") === undefined || canTrace()) describeWithPrograms(["strace"], title, body);
  else describe.skip(`${title} [needs the right to trace processes (ptrace)]`, body);
}

/** Collects while system calls fail. */
export async function runWithFault(
  rootDirectory: string,
  { calls, when, effect = "error=EIO", path }: Fault,
  more: readonly string[] = [],
): Promise<FaultyEnd> {
  const inject = [
    "-e",
    `inject=${calls}:${effect}:when=${when}`,
    ...(path === undefined ? [] : ["-P", path]),
  ];
  const { end, lines } = await runTraced(rootDirectory, calls, inject, more);
  return { ...end, hit: injectedPaths(lines) };
}

/** The system calls of a kind that a collection makes in its store and in its state folder. */
export async function traceCalls(
  rootDirectory: string,
  calls: string,
  more: readonly string[] = [],
): Promise<TracedCall[]> {
  const { lines } = await runTraced(rootDirectory, calls, [], more);
  const numbers = new Map<string, number>();
  const traced: TracedCall[] = [];
  for (const line of lines) {
    // A call that another thread interrupts is written in two halves, of which the second has no path.
    if (/ resumed>/.test(line)) continue;
    const thread = line.slice(0, line.indexOf(" "));
    const number = (numbers.get(thread) ?? 0) + 1;
    numbers.set(thread, number);
    const path = pathOf(line);
    if (path?.startsWith(rootDirectory)) traced.push({ path, number });
  }
  return traced;
}

async function runTraced(
  rootDirectory: string,
  calls: string,
  inject: readonly string[],
  more: readonly string[],
): Promise<{ end: CollectorEnd; lines: string[] }> {
  const tracePath = `${rootDirectory}.strace`;
  const options: CollectorOptions = {
    through: [
      programPath("strace"),
      ...["-f", "-y", "-qq", "-s", "4096"],
      // Much faster, but does not go with paths.
      ...(inject.includes("-P") ? [] : ["--seccomp-bpf"]),
      ...["-o", tracePath, "-e", `trace=${calls}`],
      ...inject,
    ],
  };
  const end = await runCollector(rootDirectory, more, options);
  return { end, lines: readFileSync(tracePath, "utf8").split("\n") };
}

/** The paths of calls that failed. Of a call that another thread interrupts only the first half names it. */
function injectedPaths(lines: readonly string[]): string[] {
  const begun = new Map<string, string | undefined>();
  return lines.flatMap((line) => {
    const thread = line.slice(0, line.indexOf(" "));
    if (line.includes("<unfinished ...>")) begun.set(thread, pathOf(line));
    if (!line.includes("(INJECTED)")) return [];
    return (/ resumed>/.test(line) ? begun.get(thread) : pathOf(line)) ?? [];
  });
}

/** The path that a call names, or that of the file that it works on. */
function pathOf(line: string): string | undefined {
  return /"(\/[^"]*)"/.exec(line)?.[1] ?? /\(\d+<(\/[^>]*)>/.exec(line)?.[1];
}

function canTrace(): boolean {
  try {
    execFileSync(programPath("strace"), ["-qq", "-f", "--seccomp-bpf", "-o", "/dev/null", "true"], {
      stdio: "ignore",
    });
    return true;
  } catch {
    return false;
  }
}
