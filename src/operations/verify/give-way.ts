import { setImmediate as nextTurn } from "node:timers/promises";
import { CancelledError } from "../../errors.ts";

/** So many synchronous reads of small files take about a millisecond. */
const READS_PER_TURN = 128;

/**
 * Called once per file read. What it gives is to be awaited, if anything: it lets the event loop turn, and rejects
 * with {@link CancelledError} if somebody asked to stop.
 */
export type GiveWay = () => Promise<void> | undefined;

/**
 * @param onTurn - called with the number of reads so far, about once a millisecond
 * @returns a {@link GiveWay} that lets the event loop turn as often
 */
export function givingWayUntil(signal: AbortSignal | undefined, onTurn?: (reads: number) => void): GiveWay {
  let reads = 0;
  return () => {
    if (++reads % READS_PER_TURN !== 0) return undefined;
    onTurn?.(reads);
    return turn(signal);
  };
}

async function turn(signal: AbortSignal | undefined): Promise<void> {
  await nextTurn();
  if (signal?.aborted) throw new CancelledError();
}
