import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { hostname } from "node:os";
import type { LockHolder } from "../../state/store-lock.ts";

/** @returns who we are, for locks that other hosts and containers see. Outside Linux boot and namespace are empty. */
export function currentHolder(): LockHolder {
  return {
    host: hostname(),
    bootId: readOr("", () => readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim()),
    pidNamespace: readOr("", () => readlinkSync("/proc/self/ns/pid")),
    pid: process.pid,
    isAlive,
  };
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !isZombie(pid);
  } catch (error) {
    // EPERM: it lives, and belongs to somebody else.
    return !(error instanceof Error && "code" in error && error.code === "ESRCH");
  }
}

/**
 * Tells whether a process has ended, and is only kept because its parent has not asked how. One that was killed, of which
 * a thread still waits for a disk, has not: that thread may write yet.
 */
function isZombie(pid: number): boolean {
  if (!hasEnded(`/proc/${pid}/stat`)) return false;
  try {
    return readdirSync(`/proc/${pid}/task`).every((thread) => hasEnded(`/proc/${pid}/task/${thread}/stat`));
  } catch {
    return true;
  }
}

/** @see https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html - field 3; the second one may hold brackets */
function hasEnded(statPath: string): boolean {
  const stat = readOr("", () => readFileSync(statPath, "utf8"));
  return /^[ZX]/.test(stat.slice(stat.lastIndexOf(")") + 2));
}

function readOr(otherwise: string, read: () => string): string {
  try {
    return read();
  } catch {
    return otherwise;
  }
}
