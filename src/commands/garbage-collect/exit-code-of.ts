import type { GarbageReport } from "../../operations/gc/garbage-report.ts";

const FAILED_IN_PART = 3;
const INCOMPLETE = 4;

/** @returns the exit code of a collection that has ended with a report */
export function exitCodeOf({ verified, failed, stopped }: GarbageReport): number {
  if (verified && !verified.complete) return INCOMPLETE;
  return failed.length > 0 || stopped?.kind === "server" ? FAILED_IN_PART : 0;
}
