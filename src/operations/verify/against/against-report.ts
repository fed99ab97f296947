import type { ChecksumShare, VerifyReport } from "../verify-report.ts";

/** How two stores may differ. */
export const DIFFERENCE_KINDS = ["missing", "extra", "size", "content", "digest"] as const;

/**
 * The sort of a {@link Difference}: the target lacks a file; only the target has it; sizes differ; links of the same size
 * say different things; the bytes of a blob do not have the digest that its path says.
 */
export type DifferenceKind = (typeof DIFFERENCE_KINDS)[number];

/** One file in which two stores differ, or which is damaged in one of them. */
export interface Difference {
  kind: DifferenceKind;
  path: string;
  /** What each side has, and which of them is wrong where the path tells; one line for people. */
  detail: string;
}

/** How many files there are and how large they are together. */
export interface FileAmounts {
  files: number;
  bytes: number;
}

/**
 * The files of one top folder on both sides, as `find -type f | wc -l` and `aws s3 ls --recursive | wc -l` count them, but
 * without those below `_uploads` and without keys that end in `/`.
 */
export interface FolderCounts {
  /** `blobs/`, `repositories/`, or `other` for the rest below `docker/`. */
  folder: string;
  source: FileAmounts;
  target: FileAmounts;
}

/** The result of comparing two stores; what `--json` prints. */
export interface AgainstReport {
  schemaVersion: 1;
  command: "verify";
  /** Where the source stores. */
  store: string;
  /** Where the target stores. */
  against: string;
  /** Nothing differs, everything was looked at, and all that the target has can be pulled. */
  complete: boolean;
  /** The only repositories that were compared, with those below them and the blobs that they link to; undefined: all. */
  onlyRepositories?: readonly string[];
  counts: FolderCounts[];
  /** How many differences there are; the list has the first thousand. */
  differenceCount: number;
  differencesByKind: Partial<Record<DifferenceKind, number>>;
  differences: readonly Difference[];
  /** Files in which the stores differ because the source has got or changed them lately: no differences. */
  changing: number;
  /** Blobs that were hashed at the target; undefined if no checksums were asked for. */
  checksum?: ChecksumShare;
  /** What of the target cannot be pulled; undefined if that was not asked for. */
  graph?: VerifyReport;
  /** How much could not be looked at; the list may be shorter. */
  uncheckedCount: number;
  unchecked: readonly { path: string; error: string }[];
  warnings: readonly string[];
  /** Requests that went to each store, by kind; left out where files are read without. */
  requests?: { source?: Record<string, number>; target?: Record<string, number> };
  seconds: number;
}
