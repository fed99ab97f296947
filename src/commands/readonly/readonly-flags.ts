import type { GlobalFlags } from "../context.ts";

/** Options of all commands that stop a registry, or make it read-only. */
export interface HoldFlags extends GlobalFlags {
  /** `--service SPEC`. */
  service?: string;
  /** `--ctl-config FILE`. */
  ctlConfig?: string;
  /** `--state-dir DIR`. */
  stateDir?: string;
  /** `--control-socket FILE`. */
  controlSocket?: string;
  /** `--key FILE`: signs tokens for the proof. */
  key?: string;
}

/** Options of `readonly on` and `readonly off`. */
export interface ReadOnlyFlags extends HoldFlags {
  for?: number;
  persist?: boolean;
  timeout: number;
  wait: number;
  yes?: boolean;
  dryRun?: boolean;
  dryrun?: boolean;
}
