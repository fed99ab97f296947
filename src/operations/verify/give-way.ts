import { setImmediate as nextTurn } from "node:timers/promises";
import { CancelledError } from "../../errors.ts";

/** So many synchronous reads of small files take about a millisecond. */
const READS_PER_TURN = 128;

/**
 * Called once per file read. What it gives is to be awaited, if anything: it lets the event loop turn, and rejects
 * with {@link CancelledError} if somebody asked to stop.
 */
export type GiveWay = () => Promise<void> | undefined;

/** @returns a {@link GiveWay} that lets the event loop turn about once a millisecond */
export function givingWayUntil(signal: AbortSignal | undefined): GiveWay {
  let reads = 0;
  return () => (++reads % READS_PER_TURN === 0 ? turn(signal) : undefined);
}

async function turn(signal: AbortSignal | undefined): Promise<void> {
  await nextTurn();
  if (signal?.aborted) throw new CancelledError();
}
