import type { GlobalFlags, StorageFlags } from "../context.ts";
import type { HoldFlags } from "../readonly/readonly-flags.ts";

/** Options of all commands of `backup`. */
export interface BackupFlags extends GlobalFlags {
  /** `--store PLACE`: a folder, or a file with the storage section. */
  store?: string;
}

/** Options of `backup create`. */
export interface CreateFlags extends BackupFlags, StorageFlags {
  metadataOnly?: boolean;
  tagsOnly?: boolean;
  strict?: boolean;
  moved?: boolean;
  allowEmpty?: boolean;
  concurrency?: number;
  /** Bytes a second. */
  maxBandwidth?: number;
}

/** Options of `backup list`. */
export interface ListFlags extends BackupFlags {
  repositories?: boolean;
}

/** Options of `backup verify`. */
export interface VerifyFlags extends BackupFlags {
  /** Per cent; a text is the argument, written behind a bare `--checksum`. */
  checksum?: number | string;
  concurrency?: number;
}

/** Options of `backup restore`. */
export interface RestoreFlags extends BackupFlags, HoldFlags {
  /** Milliseconds since 1970. */
  at?: number;
  repository?: string[];
  /** `--to PLACE`. */
  to?: string;
  keepExisting?: boolean;
  mode: "read-only" | "offline";
  drain: number;
  dryRun?: boolean;
  dryrun?: boolean;
  yes?: boolean;
  concurrency?: number;
  maxBandwidth?: number;
}

/** Options of `backup prune`. */
export interface PruneFlags extends BackupFlags {
  keepLast?: number;
  /** Milliseconds. */
  keepWithin?: number;
  /** Milliseconds. */
  grace: number;
  dryRun?: boolean;
  dryrun?: boolean;
  yes?: boolean;
}
