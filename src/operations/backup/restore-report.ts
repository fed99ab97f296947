import type { BackupAmounts } from "./backup-report.ts";

/** A tag of the target that points elsewhere than in the snapshot. */
export interface DifferingTag {
  repository: string;
  tag: string;
  /** Where it points to in the target; empty if that cannot be read. */
  before: string;
  /** Where it points to in the snapshot. */
  after: string;
}

/** A tag or manifest that is not restored. */
export interface LackingManifest {
  repository: string;
  /** Of the snapshot; none for a manifest without. */
  tags: string[];
  digest: string;
  /** What neither the backup nor the target has. */
  lacks: string;
}

/** What `backup restore` has done, or would do; the body of its JSON. */
export interface RestoreReport {
  schemaVersion: 1;
  command: "backup restore";
  dryRun: boolean;
  snapshot: string;
  createdAt: string;
  /** What people call the stores. */
  backup: string;
  target: string;
  repositories: number;
  /** Written, or to be written. */
  tags: { new: number; same: number; overwritten: number; kept: number; lacking: number };
  manifests: { new: number; same: number; lacking: number };
  copied: BackupAmounts;
  /** Links that were written, those of tags included. */
  links: number;
  /** The first thousand of each. */
  overwritten: DifferingTag[];
  kept: DifferingTag[];
  lacking: LackingManifest[];
  /** Blobs of the backup that are not what their name says; nothing was restored that needs them. */
  damaged: { digest: string; detail: string }[];
  warnings: string[];
  seconds: number;
}

/** How far a restoration is. */
export interface RestoreProgress {
  phase: "looking" | "restoring";
  repositories: number;
  /** Undefined as long as they are not counted. */
  ofRepositories: number | undefined;
  copied: BackupAmounts;
}
