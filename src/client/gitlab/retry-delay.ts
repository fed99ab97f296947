import type { IncomingHttpHeaders } from "node:http";
import { retryAfterOf } from "../registry/retry-after.ts";

/** Before the second attempt; each later one waits twice as long. */
const FIRST_WAIT_MS = 500;
const MAX_WAIT_MS = 30_000;
/** The longest time for which GitLab counts requests, the ten minutes of the list of projects, and some more. */
const MAX_TOLD_WAIT_MS = 15 * 60_000;

/**
 * @param attempt - that has failed; counts from 1
 * @param headers - of the answer; empty if there was none
 * @returns how long to wait before the next attempt; what GitLab says, if that is longer
 * @see https://docs.gitlab.com/administration/settings/user_and_ip_rate_limits/#response-headers
 */
export function retryDelayMs(attempt: number, headers: IncomingHttpHeaders, nowMs: number): number {
  const ownMs = Math.min(FIRST_WAIT_MS * 2 ** (attempt - 1), MAX_WAIT_MS);
  const toldMs = retryAfterOf(headers, nowMs) ?? resetAfter(headers["ratelimit-reset"], nowMs);
  return Math.max(ownMs, Math.min(toldMs, MAX_TOLD_WAIT_MS));
}

/** It is in seconds since 1970. */
function resetAfter(reset: string | string[] | undefined, nowMs: number): number {
  if (typeof reset !== "string" || !/^\d{1,12}$/.test(reset)) return 0;
  return Number(reset) * 1000 - nowMs;
}
