import type { HoldFlags } from "../readonly/readonly-flags.ts";

/** What says where a registry is to be moved to. */
export interface TargetFlags {
  to?: string;
  targetConfig?: string;
  bucket?: string;
  region?: string;
  endpoint?: string;
  rootdirectory?: string;
  /** `KEY=VALUE`, may be given more than once. */
  set?: string[];
  accessKeyFile?: string;
  secretKeyFile?: string;
}

/** Options of everything that copies between the two stores. */
export interface CopyFlags extends HoldFlags {
  /** false with `--no-color`. */
  color?: boolean;
  concurrency?: number;
  /** Bytes a second. */
  maxBandwidth?: number;
  /** Per cent; a text is the argument, written behind a bare `--checksum`. */
  checksum?: number | string;
  yes?: boolean;
  /** How long a registry may take to use the other store. */
  timeout: number;
  /** How long uploads under way may go on before they are cut off. */
  drain: number;
}

/** Options of `migrate`. */
export interface MigrateFlags extends CopyFlags, TargetFlags {
  dryRun?: boolean;
  dryrun?: boolean;
  delete?: boolean;
  cutover?: boolean;
  redirect?: boolean;
  skipDamaged?: boolean;
  confirmTarget?: string;
  allowEmpty?: boolean;
  allowShrunkSource?: boolean;
}

/** Options of `migrate finish`. */
export interface FinishFlags extends CopyFlags {
  redirect?: boolean;
  skipDamaged?: boolean;
  allowShrunkSource?: boolean;
}

/** Options of `migrate rollback`. */
export interface RollbackFlags extends CopyFlags {
  dryRun?: boolean;
  dryrun?: boolean;
  discardNewPushes?: boolean;
  allowShrunkSource?: boolean;
}
