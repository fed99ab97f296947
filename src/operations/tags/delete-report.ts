import type { Digest } from "../../oci/digest.ts";

/** A tag that goes. */
export interface PlannedTag {
  name: string;
  /** Left out if its link is broken. */
  digest?: Digest;
  /** How many other tags on the digest stay. */
  siblings: number;
  /** A few of them. */
  firstSiblings: string[];
}

/** A tag that stays although it was asked for, and why. */
export interface KeptTag {
  name: string;
  reason: string;
}

/** What became of a deletion of tags; what `tags delete --json` prints. */
export interface TagDeletionReport {
  schemaVersion: 1;
  command: "tags delete";
  dryRun: boolean;
  /** The store or registry. */
  location: string;
  repository: string;
  /** How many tags the repository had. */
  tags: number;
  /** Those that were to go, in byte order of their names. */
  planned: PlannedTag[];
  /** How many of them are deleted; 0 in a dry run. */
  deleted: number;
  /** How many manifests have lost their last tag, or would in a dry run. */
  untaggedManifests: number;
  /** Matched and stay, by a rule. */
  kept: KeptTag[];
  /** Stay because something could not be read. */
  doubtful: KeptTag[];
  /** Named and not there. */
  unknown: string[];
  /** Named more than once. */
  duplicates: string[];
  /** Lines of the file that are no names of tags. */
  invalid: { line: number; text: string }[];
  /** Point to something else than when they were planned, and stay. */
  moved: KeptTag[];
  /** Gone before they were deleted. */
  gone: string[];
  failed: KeptTag[];
  warnings: string[];
  seconds: number;
}

/** @returns 3 if something that was to go is still there by a failure, or nobody knows whether it was to go; else 0 */
export function exitCodeOfDeletion({ failed, doubtful }: TagDeletionReport): number {
  return failed.length + doubtful.length > 0 ? 3 : 0;
}
