/** How often and how long after one another something is tried. */
export interface Backoff {
  /** All attempts, the first included. */
  attempts: number;
  /** The upper bound of the first pause; it doubles from pause to pause. */
  firstDelayMs: number;
  maxDelayMs: number;
}

/**
 * The pause after a failed attempt: at random between 0 and a bound that doubles each time, so that many clients do
 * not come back at the same moment.
 *
 * @param failures - how many attempts have failed, 1 or more
 * @param random - between 0 and 1
 * @see https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
 */
export function delayAfter(failures: number, backoff: Backoff, random: number): number {
  return random * Math.min(backoff.maxDelayMs, backoff.firstDelayMs * 2 ** (failures - 1));
}
