import type { DamagedBlob, FailedFile, SyncAmounts, SyncResult } from "../../registry/copy/sync-result.ts";
import type { AgainstReport } from "../verify/against/against-report.ts";

/** One pass over both stores. */
export interface RoundReport {
  /** From 1. */
  number: number;
  /** It went on where an earlier run had been stopped. */
  resumed: boolean;
  /** The registry was read-only, so that nothing was left out. */
  final: boolean;
  copied: SyncAmounts;
  /** Among the copied: inside the store service. */
  serverSide: SyncAmounts;
  deleted: SyncAmounts;
  same: SyncAmounts;
  /** Younger than the round. */
  left: SyncAmounts;
  vanished: number;
  damaged: number;
  failed: number;
  seconds: number;
}

/** The change of the store that the registry uses. */
export interface SwitchReport {
  /** Absolute path of the configuration. */
  config: string;
  /** Where the one from before is kept. */
  keptConfig: string;
  /** ISO 8601, UTC. */
  at: string;
  /** For how long the registry took no writes; undefined: it did not run. */
  readOnlySeconds?: number;
  /** What was asked of the registry afterwards, for people. */
  probes: string[];
}

/** What `migrate`, `migrate finish` and `migrate rollback` print with `--json`. */
export interface MigrationReport {
  schemaVersion: 1;
  command: "migrate" | "migrate finish" | "migrate rollback";
  dryRun: boolean;
  id: string;
  /** As `storeName` gives it: where the registry was before the move. */
  source: string;
  target: string;
  /**
   * Copied: the registry is where it was. Incomplete: something could not be copied, or is damaged. Different: the stores differ.
   */
  outcome: "copied" | "incomplete" | "different" | "switched" | "rolled back" | "planned";
  rounds: RoundReport[];
  /** Blobs of the source that are not what their digest says; the first thousand. */
  damaged: DamagedBlob[];
  /** The first thousand. */
  failed: FailedFile[];
  /** How both compare; undefined: they were not compared. */
  comparison?: AgainstReport;
  switched?: SwitchReport;
  /** What to do next, for people. */
  next: string[];
  warnings: string[];
  seconds: number;
}

/** @returns what is told of a pass */
export function roundReport(
  result: SyncResult,
  { number, resumed, final }: Pick<RoundReport, "number" | "resumed" | "final">,
): RoundReport {
  const { copied, serverSide, deleted, same, left, vanished, damagedCount, failedCount, seconds } = result;
  return {
    ...{ number, resumed, final, copied, serverSide, deleted, same, left, vanished },
    ...{ damaged: damagedCount, failed: failedCount, seconds },
  };
}
