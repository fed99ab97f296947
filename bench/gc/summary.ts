import type { Measured } from "./measure-program.ts";

/** What several runs of one thing took. */
export interface Summary {
  medianSeconds: number;
  minSeconds: number;
  maxSeconds: number;
  /** The most of any run. */
  peakBytes: number;
  /** False if one was killed at the time limit: then the seconds are that limit. */
  finished: boolean;
}

/** Sums up runs; undefined if there were none. */
export function summarize(runs: readonly Measured[]): Summary | undefined {
  const seconds = runs.map((run) => run.seconds).sort((a, b) => a - b);
  const lower = seconds[(seconds.length - 1) >> 1];
  const upper = seconds[seconds.length >> 1];
  if (lower === undefined || upper === undefined) return undefined;
  return {
    medianSeconds: (lower + upper) / 2,
    minSeconds: Math.min(...seconds),
    maxSeconds: Math.max(...seconds),
    peakBytes: Math.max(...runs.map((run) => run.peakBytes)),
    finished: runs.every((run) => run.finished),
  };
}
