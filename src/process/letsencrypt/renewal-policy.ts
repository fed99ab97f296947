const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** As Go's autocert: this long before the end, or a third of the lifetime if that is less. */
const RENEW_BEFORE_MS = 30 * DAY_MS;
/** After failures that the authority counts. Let's Encrypt takes five an hour and host: these are four on the first day. */
const COUNTED_DELAYS_MS = [1 * HOUR_MS, 4 * HOUR_MS, 8 * HOUR_MS, 12 * HOUR_MS];
/** After failures to reach it, which nobody counts, as after a start before the network. */
const UNREACHED_FIRST_MS = 5 * 60_000;
const UNREACHED_MAX_MS = 6 * HOUR_MS;

/** What of a certificate matters for its renewal. */
export interface CertificateLife {
  validFromMs: number;
  validToMs: number;
  /** It is for other hosts, of another authority, or a placeholder: another one is needed now. */
  unfit: boolean;
}

/** Failures that were not followed by a success. */
export interface Failures {
  count: number;
  /** Nothing is tried before. */
  nextTryMs: number;
}

/** What an order leaves that was given up as the server stopped: a start again is no failure. */
const STOPPED_DELAY_MS = 60_000;

/** @returns when a certificate is to be ordered, as far as the certificate is concerned: 0 for at once */
export function renewalDueMs(life: CertificateLife | undefined): number {
  if (life === undefined || life.unfit) return 0;
  const lifetimeMs = Math.max(life.validToMs - life.validFromMs, 0);
  return life.validToMs - Math.min(RENEW_BEFORE_MS, lifetimeMs / 3);
}

/** @returns when the next order may begin */
export function nextOrderMs(life: CertificateLife | undefined, failures: Failures): number {
  return Math.max(renewalDueMs(life), failures.nextTryMs);
}

/** @returns the failures after an order that was given up halfway, because the server stopped */
export function afterStop(failures: Failures, nowMs: number): Failures {
  return { ...failures, nextTryMs: nowMs + STOPPED_DELAY_MS };
}

/**
 * @param reached - the authority was asked for something, and may count it
 * @returns the failures with one more
 */
export function oneMoreFailure(failures: Failures, nowMs: number, reached: boolean): Failures {
  const delays = COUNTED_DELAYS_MS;
  const delayMs = reached
    ? (delays[Math.min(failures.count, delays.length - 1)] ?? DAY_MS)
    : Math.min(UNREACHED_FIRST_MS * 2 ** Math.min(failures.count, 10), UNREACHED_MAX_MS);
  return { count: failures.count + 1, nextTryMs: nowMs + delayMs };
}

/**
 * What was remembered, unless it cannot be true: with a clock that was wrong, a try would be put off for years.
 */
export function plausibleFailures(failures: Failures, nowMs: number): Failures {
  const longestMs = Math.max(...COUNTED_DELAYS_MS, UNREACHED_MAX_MS);
  return failures.nextTryMs > nowMs + longestMs ? { ...failures, nextTryMs: nowMs + longestMs } : failures;
}
