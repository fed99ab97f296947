import type { BackupProblem, SnapshotCounts } from "./snapshot-records.ts";

/** Files and their bytes. */
export interface BackupAmounts {
  files: number;
  bytes: number;
}

/** What `backup create` has done; the body of its JSON. */
export interface BackupReport {
  schemaVersion: 1;
  command: "backup create";
  /** What people call the stores. */
  source: string;
  backup: string;
  /** Undefined: none was written, as something could not be had and that was asked for. */
  snapshot: string | undefined;
  metadataOnly: boolean;
  tagsOnly: boolean;
  counts: SnapshotCounts;
  /** Blobs that the backup did not have yet. */
  copied: BackupAmounts;
  /** The first thousand. */
  problems: BackupProblem[];
  problemCount: number;
  /** Of these, blobs that are not what their name says. */
  damagedCount: number;
  warnings: string[];
  seconds: number;
}

/** How far a backup is. */
export interface BackupProgress {
  phase: "backup" | "links" | "blobs" | "snapshot";
  repositories: number;
  manifests: number;
  copied: BackupAmounts;
  /** Blobs that are to be copied, as far as they are known. */
  waiting: number;
}
