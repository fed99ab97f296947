import type { ProjectRun } from "../../state/cleanup-memory.ts";
import { type Cadence, nextRunMs } from "./policy.ts";

/** A cron line runs at the same minute each day, and never at the same second: a policy is due so much earlier. */
const GRACE_MS = 3_600_000;
/** Clocks may have been set back by so much since the run. */
const MAX_AHEAD_MS = 86_400_000;

/**
 * When a policy is due, in milliseconds since 1970: at once if it never ran, if its last run left something over, or if it ran at a time
 * that is still to come, as when a clock was wrong.
 */
export function dueMs(last: ProjectRun | undefined, cadence: Cadence, nowMs: number): number {
  if (last === undefined || last.isUnfinished || last.ranAtMs > nowMs + MAX_AHEAD_MS) return nowMs;
  return nextRunMs(cadence, last.ranAtMs) - GRACE_MS;
}
