import type { Digest } from "../../oci/digest.ts";

/** What can be wrong: something cannot be pulled or pushed as it should, or a link to a blob leads to nothing. */
export const PROBLEM_KINDS = [
  "missing-manifest",
  "missing-blob",
  "missing-child",
  "missing-layer-link",
  "tag-without-manifest",
  "wrong-size",
  "wrong-digest",
  "invalid-manifest",
  "broken-link",
  "wrong-link",
  "unknown-tag",
  "no-repositories",
  "dangling-layer-link",
] as const;

/** What is worth knowing and keeps nobody from anything. */
export const NOTICE_KINDS = [
  "dangling-history-link",
  "tag-without-link",
  "empty-store",
  "invalid-repository-name",
  "unknown-files",
  "folder-markers",
] as const;

/** The sort of a {@link Finding}. */
export type FindingKind = (typeof PROBLEM_KINDS)[number] | (typeof NOTICE_KINDS)[number];

/** The first few names and how many there are. */
export interface Names {
  first: string[];
  total: number;
}

/** One thing that is wrong or worth knowing; told once, in however many repositories it shows. */
export interface Finding {
  kind: FindingKind;
  /** One sentence for people. */
  message: string;
  /** The blob or manifest that it is about. */
  digest?: Digest;
  /** The file of the store that it is about. */
  path?: string;
  /** Where it stands or is missed. */
  repositories: Names;
  /** What cannot be pulled whole because of it, as `repository:tag`. */
  tags: Names;
}

/** How much was looked at. */
export interface CheckedAmounts {
  repositories: number;
  tags: number;
  manifests: number;
  layerLinks: number;
  blobs: number;
  bytes: number;
}

/** The share of blobs whose bytes were read and hashed. Manifests always are, whether or not they are among these. */
export interface ChecksumShare {
  /** What was asked for. */
  percent: number;
  blobs: number;
  bytes: number;
  ofBlobs: number;
  ofBytes: number;
  /** Present if it was the turn of these blobs, and not chance that chose them. */
  rotation?: RotationReport;
}

/** Which of all digests there can be it was the turn of; as digests are spread evenly, a like share of the blobs. */
export interface RotationReport {
  fromPercent: number;
  toPercent: number;
  /** So much of all digests has been gone through by now, this run included. */
  coveredPercent: number;
  /** ISO 8601: every blob that is as old as that has been hashed since. Left out until all have had their turn. */
  coveredSince?: string;
}

/** What no manifest needs: no problem, a collection removes it. */
export interface UnneededAmounts {
  /** Not known, so 0, when only some repositories were looked at. */
  blobs: number;
  bytes: number;
  layerLinks: number;
  /** Files that writers have left behind, or are still writing. */
  temporaryFiles: number;
}

/** The result of a verification; what `--json` prints. */
export interface VerifyReport {
  schemaVersion: 1;
  command: "verify";
  /** Everything was looked at and no problem was found. */
  complete: boolean;
  /** The only repositories that were looked at, with those below them; undefined: all. */
  onlyRepositories?: readonly string[];
  /** Undefined if no checksums were asked for. */
  checksum?: ChecksumShare;
  checked: CheckedAmounts;
  unneeded: UnneededAmounts;
  /** Present if notices were asked to count as problems: then they are among these. */
  strict?: true;
  /** How many problems there are; the list may be shorter. */
  problemCount: number;
  /** How many findings there are of each kind. */
  counts: Partial<Record<FindingKind, number>>;
  /** The first of each kind. */
  problems: readonly Finding[];
  /** The first of each kind. */
  notices: readonly Finding[];
  /** How much could not be looked at; the list may be shorter. */
  uncheckedCount: number;
  unchecked: readonly { path: string; error: string }[];
  warnings: readonly string[];
  /** Requests that went to the store, by kind; left out where files are read without. */
  requests?: Record<string, number>;
  seconds: number;
}
