import { setImmediate as nextTurn } from "node:timers/promises";

/** So many synchronous reads of small files take about a millisecond. */
const READS_PER_TURN = 128;

/**
 * Loops over small files read synchronously where the driver can, and would hold up all other requests.
 *
 * @returns a function to be awaited once per file; every so many calls it lets the event loop turn
 */
export function givingWay(): () => Promise<void> {
  let reads = 0;
  return async () => {
    reads++;
    if (reads % READS_PER_TURN === 0) await nextTurn();
  };
}
