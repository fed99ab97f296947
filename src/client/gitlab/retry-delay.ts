/** Before the second attempt; each later one waits twice as long. */
const FIRST_WAIT_MS = 500;
const MAX_WAIT_MS = 30_000;
/** The longest time for which GitLab counts requests, the ten minutes of the list of projects, and some more. */
const MAX_TOLD_WAIT_MS = 15 * 60_000;

/** What an answer says of when to ask again. */
export interface RetryHeaders {
  /** Seconds, or a date. */
  retryAfter?: string | undefined;
  /** Seconds since 1970. */
  rateLimitReset?: string | undefined;
}

/**
 * @param attempt - that has failed; counts from 1
 * @param told - what the answer says, if there was one
 * @returns how long to wait before the next attempt; what GitLab says, if that is longer
 * @see https://docs.gitlab.com/administration/settings/user_and_ip_rate_limits/#response-headers
 */
export function retryDelayMs(attempt: number, told: RetryHeaders, nowMs: number): number {
  const ownMs = Math.min(FIRST_WAIT_MS * 2 ** (attempt - 1), MAX_WAIT_MS);
  return Math.max(ownMs, Math.min(toldMs(told, nowMs), MAX_TOLD_WAIT_MS));
}

function toldMs({ retryAfter, rateLimitReset }: RetryHeaders, nowMs: number): number {
  if (retryAfter !== undefined) {
    if (/^\d{1,9}$/.test(retryAfter)) return Number(retryAfter) * 1000;
    const at = Date.parse(retryAfter);
    return Number.isNaN(at) ? 0 : at - nowMs;
  }
  if (rateLimitReset === undefined || !/^\d{1,12}$/.test(rateLimitReset)) return 0;
  return Number(rateLimitReset) * 1000 - nowMs;
}
