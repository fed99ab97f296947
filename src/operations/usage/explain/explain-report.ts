import type { Digest } from "../../../oci/digest.ts";

/** What a project uses and with whom it shares that; what `usage explain --json` prints. */
export interface ExplainReport {
  schemaVersion: 1;
  command: "usage explain";
  /** As it was asked for. */
  project: string;
  repositories: readonly string[];
  tags: number;
  manifests: number;
  /** Every blob that it keeps, once. */
  bytes: number;
  /** Of these, what nobody outside keeps: deleting it all would free so much; 0 while something could not be listed. */
  exclusiveBytes: number;
  sharedBytes: number;
  /** Of all of it, what no tag anywhere needs: `garbage-collect -m` frees it. */
  untaggedBytes: number;
  /** Who outside keeps how much of the same, those with most first. */
  sharedWith: readonly { project: string; bytes: number }[];
  /** The largest first, cut off at the number that was asked for. */
  layers: readonly ExplainedLayer[];
  /** How many there are. */
  layerCount: number;
  /** What is damaged or could not be read, so that numbers are uncertain. */
  problems: readonly string[];
}

/** A layer, or another blob that manifests refer to, of a project. */
export interface ExplainedLayer {
  digest: Digest;
  bytes: number;
  /** Nobody outside keeps it. */
  isExclusive: boolean;
  /** Tags of the project that need it: how many, and the first few as `repository:tag`. */
  tags: { count: number; first: readonly string[] };
  /** Repositories of the project that keep it. */
  repositories: readonly string[];
  /** Who keeps it outside. */
  sharedWith: readonly { project: string; repositories: readonly string[] }[];
}
