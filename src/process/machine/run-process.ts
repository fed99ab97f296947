import { readFileSync } from "node:fs";
import { basename } from "node:path";
import type { LockHolder } from "../../state/store-lock.ts";
import { currentHolder } from "./host-identity.ts";

/** This machine, as far as runs on it can be told apart and ended. */
export interface RunMachine extends LockHolder {
  /** @returns a text that is another one for each process that ever had this number since the machine started */
  startOf: (pid: number) => string | undefined;
  /** Tells whether the process is a collection of ours; undefined if the system does not say. */
  isCollection: (pid: number) => boolean | undefined;
  /** Asks the process to end. @returns false if it is not there, or belongs to somebody else */
  terminate: (pid: number) => boolean;
}

/** @returns the machine that this process runs on */
export function currentMachine(): RunMachine {
  return { ...currentHolder(), startOf, isCollection, terminate };
}

/** @see https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html - field 22; the second one may hold spaces and brackets */
function startOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
  } catch {
    return undefined;
  }
}

/** @returns when a process began, in milliseconds since 1970, to about a second; undefined if the system does not say */
export function processStartMs(pid: number): number | undefined {
  try {
    const upSeconds = Number(readFileSync("/proc/uptime", "utf8").split(" ")[0]);
    const beganAt = Number(startOf(pid)) / TICKS_PER_SECOND;
    return Number.isFinite(beganAt) ? Date.now() - (upSeconds - beganAt) * 1000 : undefined;
  } catch {
    return undefined;
  }
}

/** On every Linux, for programs. @see https://man7.org/linux/man-pages/man7/time.7.html */
const TICKS_PER_SECOND = 100;

function isCollection(pid: number): boolean | undefined {
  try {
    const words = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
    const program = words.findIndex((word) => /^registry-ctl(\.js)?$/.test(basename(word)));
    return (
      program >= 0 && words.slice(program + 1).some((word) => /^(registry-)?garbage-collect$/.test(word))
    );
  } catch {
    return undefined;
  }
}

function terminate(pid: number): boolean {
  try {
    return process.kill(pid, "SIGTERM");
  } catch {
    return false;
  }
}

/** @returns the user that this process runs as now; 0 where there are no user ids */
export function currentUserId(): number {
  return process.getuid?.() ?? 0;
}
