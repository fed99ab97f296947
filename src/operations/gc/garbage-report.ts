import type { SweepPhase } from "../../registry/apply/sweep-phase.ts";
import type { FailedDeletion } from "../../registry/apply/sweep-result.ts";
import type { Amounts } from "../../registry/plan/amounts.ts";
import type { FoundAmounts } from "../../registry/plan/collection-plan.ts";
import type { PlannedStopKind } from "./planned-stop.ts";
import type { VersionsReport } from "./store-facts.ts";

/** The result of a collection; what `--json` prints. */
export interface GarbageReport {
  schemaVersion: 1;
  command: "garbage-collect";
  dryRun: boolean;
  /** ISO 8601, UTC, by our clock. */
  startedAt: string;
  /** What was there before; left out when nothing was planned, or the plan was stopped. */
  found?: FoundAmounts;
  /** Blobs that stay. */
  marked: { blobs: number; bytes: number };
  eligible: Amounts;
  /** All zero in a dry run. */
  deleted: Amounts;
  /**
   * Files that were to go and stay for a later run: clients have lately relied on them, or something that stays needs
   * them. Left out where nobody but the collection worked on the store.
   */
  spared?: number;
  warnings: string[];
  /** What could not be listed or removed. */
  failed: FailedDeletion[];
  /** A planned stop came before the end: what is left is for the next run. `server`: the server could not go on with it. */
  stopped?: { kind: PlannedStopKind; phase: CollectionPhase };
  /** What was found when everything was looked at after the sweep, if that was asked for. */
  verified?: VerifyOutcome;
  /** Keys that stand for folders on an object store, never touched: how many, and the first few; left out if none. */
  folderMarkers?: { count: number; first: readonly string[] };
  /** What the store keeps of deleted files; left out where it can keep none. */
  versions?: VersionsReport;
  /** Requests that went to the store, by kind; left out where files are read without. */
  requests?: Record<string, number>;
  seconds: number;
  /** How long each part took; 0 for one that was not reached. */
  phaseSeconds: { plan: number; sweep: number; verify: number };
  /** Path of the journal of this run, if there is one. */
  journal?: string;
}

/** Where a collection is. */
export type CollectionPhase = "plan" | SweepPhase | "temporary files" | "verify";

/** Whether everything that is left can be pulled. */
export interface VerifyOutcome {
  /** Every tag, platform and referrer of the registry is complete. */
  complete: boolean;
  problems: number;
  /** For people; the first problems and what they break. */
  lines: string[];
}
