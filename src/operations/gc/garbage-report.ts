import type { FailedDeletion } from "../../registry/apply/sweep.ts";
import type { Amounts } from "../../registry/plan/amounts.ts";

/** The result of a collection; what `--json` prints. */
export interface GarbageReport {
  schemaVersion: 1;
  command: "garbage-collect";
  dryRun: boolean;
  /** Blobs that stay. */
  marked: { blobs: number; bytes: number };
  eligible: Amounts;
  /** All zero in a dry run. */
  deleted: Amounts;
  warnings: string[];
  /** What could not be listed or removed. */
  failed: FailedDeletion[];
  seconds: number;
}
