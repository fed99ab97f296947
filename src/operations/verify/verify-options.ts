import type { StorageDriver } from "../../storage/driver.ts";
import type { OnDamage } from "./damage.ts";
import type { ChecksumRotation } from "./rotation/checksum-rotation.ts";

/** How far a verification is: of blobs, of bytes to hash, of repositories. */
export interface VerifyProgress {
  phase: "blobs" | "checksums" | "repositories";
  done: number;
  /** Undefined where it is not known. */
  total?: number;
  /** How many files of the phase `repositories` were read. */
  files?: number;
}

/** What a verification works with. */
export interface VerifyDependencies {
  driver: StorageDriver;
  /** Worker threads that list blobs; default none. */
  threads?: number;
  /** Our clock, in milliseconds since 1970. */
  nowMs: () => number;
  /** Chooses what a share of checksums is taken of: a number from 0 up to, not including, 1. */
  random?: () => number;
  signal?: AbortSignal | undefined;
  onProgress?: ((progress: VerifyProgress) => void) | undefined;
  /** Told of everything that a repair may mend. */
  onDamage?: OnDamage | undefined;
}

/** What somebody wants of a verification. */
export interface VerifyOptions {
  /** Per cent of the blobs whose bytes are hashed; undefined: none. Manifests always are. */
  checksumPercent: number | undefined;
  /** Which blobs are hashed is its turn, not chance; only where all repositories are looked at. */
  rotation?: ChecksumRotation | undefined;
  /** Only these repositories and those below them; empty: all. */
  repositories: readonly string[];
  /** What only deserves notice counts as a problem too; default: it does not. */
  strict?: boolean;
  /** How many files are read at a time. */
  concurrency: number;
  /** The configuration says that a database, not the store, knows what is needed. */
  usesMetadataDatabase: boolean;
}
