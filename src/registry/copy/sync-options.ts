import type { SyncAmounts } from "./sync-result.ts";

/**
 * How far a copy of a store has come: everything up to and with `after`, in the order of the pass, is done and is
 * neither listed nor copied again by a run that goes on from here.
 */
export interface SyncPosition {
  /** `blobs`, then `repositories`, then `deletions`. */
  pass: "blobs" | "repositories" | "deletions";
  /** A path of the store; empty at the beginning of a pass. */
  after: string;
}

/** What a copy has done so far, for progress. */
export interface SyncProgress {
  pass: SyncPosition["pass"];
  /** Files of the source that were looked at. */
  seen: SyncAmounts;
  copied: SyncAmounts;
  /** What there is to be looked at, where that is known before. */
  total?: SyncAmounts;
  /** The last file that was looked at. */
  path: string;
}

/** What is about to be removed from the target. */
export interface PlannedDeletes {
  files: number;
  /** Revision links among them. */
  manifests: number;
  /** As far as listings bring sizes. */
  bytes: number;
}

/** Options of {@link syncStores}. */
export interface SyncOptions {
  /**
   * Files of the source that were changed at this time of the source's clock or later are left to the next run, so that
   * what is copied names only what is copied too while clients push. undefined: nothing is left out (nobody writes).
   */
  asOfMs: number | undefined;
  /** Whether files that only the target has are removed from it. */
  deleteExtra: boolean;
  /** Whether files may be removed from the target although blobs are damaged at the source. */
  skipDamaged: boolean;
  /** How many small files are copied at a time; undefined: found by measuring. */
  concurrency: number | undefined;
  /** How many bytes all copies together may move in a second. */
  maxBytesPerSecond: number | undefined;
  /** Where an earlier run has come to. */
  resumeAt: SyncPosition | undefined;
  /** A folder of this host that is there, where lists are kept that do not belong into memory. */
  spoolFolder: string;
  /** Called before the first removal, when progress has told of all that the source has; it stops the run by throwing. */
  maxDeletes?: ((planned: PlannedDeletes) => Promise<void>) | undefined;
  /** Nothing is written; the result says what would be. */
  dryRun: boolean;
  /** Ends the run between files; what is under way is finished or given up, and the position is told once more. */
  signal: AbortSignal;
  onProgress?: ((progress: SyncProgress) => void) | undefined;
  /** To be kept where it outlives the process. Called at most every second, at the end of a pass and at the end. */
  onPosition?: ((position: SyncPosition) => void) | undefined;
  /** Told of each file's modification time at the source, where the target cannot keep it. */
  times?: { note(path: string, modifiedMs: number): void } | undefined;
}
