import type { StoreThreads } from "../threads/store-threads.ts";
import type { GatedSweep } from "./slices.ts";
import type { SweepPhase } from "./sweep-phase.ts";
import type { SweepResult } from "./sweep-result.ts";

/** What is removed together. */
export interface SweepBatch {
  /** Counts from 1. */
  number: number;
  phase: SweepPhase;
  /** Files; of empty repositories their folders. */
  paths: readonly string[];
}

/** How far a sweep is. */
export interface SweepProgress {
  phase: SweepPhase;
  /** Steps of the phase. */
  done: number;
  total: number;
  /** Steps of all phases. */
  overallDone: number;
  overallTotal: number;
}

/** Options of {@link Sweep}. */
export interface SweepOptions {
  /** How many files are removed at a time on a driver that has no faster way. */
  concurrency: number;
  /** Where batches are removed, if the driver allows it, and how many at a time. */
  threads?: { run: StoreThreads; inFlight: number } | undefined;
  /** Temporary files that were last written before have no writer. */
  temporaryBeforeMs: number;
  /** What stands between the sweep and a server that takes writes meanwhile; undefined: nobody writes. */
  gated?: GatedSweep | undefined;
  /** So many files a second, at the most; 0 or undefined: as many as there are. */
  maxOpsPerSecond?: number | undefined;
  /** What earlier sweeps of the same collection have done, to be added to. */
  result?: SweepResult | undefined;
  signal?: AbortSignal | undefined;
  /** Called before each batch, for one after the other; what it throws ends the sweep. */
  beforeBatch?: ((batch: SweepBatch) => Promise<void>) | undefined;
  afterBatch?: ((batch: SweepBatch, result: { deleted: number; failed: number }) => void) | undefined;
  /** Called after each batch. */
  onProgress?: ((progress: SweepProgress) => void) | undefined;
  onWarning?: ((warning: string) => void) | undefined;
}
