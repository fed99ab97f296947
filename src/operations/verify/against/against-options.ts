import type { ChecksumRotation } from "../rotation/checksum-rotation.ts";

/** How far a comparison is: of files of a folder, of bytes to hash, of what the graph of the target needs. */
export interface AgainstProgress {
  phase: "blobs" | "repositories" | "other" | "graph";
  /** Files that were compared so far, in all phases. */
  files: number;
  differences: number;
  /** Bytes of blobs that were hashed so far. */
  hashedBytes: number;
  /** The file that was looked at last. */
  path?: string;
}

/** What a comparison works with. */
export interface AgainstDependencies {
  /** Our clock, in milliseconds since 1970. */
  nowMs: () => number;
  /** Chooses what a share of checksums is taken of: a number from 0 up to, not including, 1. */
  random?: () => number;
  signal?: AbortSignal | undefined;
  onProgress?: ((progress: AgainstProgress) => void) | undefined;
}

/** What somebody wants of a comparison. */
export interface AgainstOptions {
  /** Per cent of the blobs whose bytes are hashed at the target; undefined: none. */
  checksumPercent?: number | undefined;
  /** The blobs that are hashed are hashed at the source too; default: at the target only. */
  hashesSource?: boolean;
  /** Which blobs are hashed is its turn, not chance. */
  rotation?: ChecksumRotation | undefined;
  /** How many files are read at a time. */
  concurrency: number;
  /** Only these repositories and those below them, with the blobs that they link to; default: all. */
  repositories?: readonly string[];
  /** Also proves that every tag, platform and referrer at the target is complete. */
  checkGraph: boolean;
  /**
   * For that proof, where a bucket was found to have all exactly as the disk has it (names, sizes, links, the MD5 of manifests),
   * the disk is read, which costs no request. Default: all is read at the target.
   */
  readsSameAtSource?: boolean;
  /**
   * What the source has changed since, by its own clock, is no difference but counted as changing. Default: when the
   * comparison begins.
   */
  asOfMs?: number | undefined;
  /** Nothing can change at the source meanwhile, so that nothing is left out as changing. */
  sourceIsHeld?: boolean;
  /** The configuration of the source says that a database, not the store, knows what is needed. */
  usesMetadataDatabase?: boolean;
}
