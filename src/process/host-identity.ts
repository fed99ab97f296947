import { readFileSync, readlinkSync } from "node:fs";
import { hostname } from "node:os";
import type { LockHolder } from "../state/store-lock.ts";

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
    return true;
  } catch (error) {
    // EPERM: it lives, and belongs to somebody else.
    return !(error instanceof Error && "code" in error && error.code === "ESRCH");
  }
}

function readOr(otherwise: string, read: () => string): string {
  try {
    return read();
  } catch {
    return otherwise;
  }
}
