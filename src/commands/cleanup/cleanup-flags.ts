import type { GitLabFlags } from "../../ui/options/gitlab.ts";
import type { RetriesFlags } from "../../ui/options/retries.ts";
import type { TagSourceFlags } from "../tags/open-tag-source.ts";

/** What the command line of every command that reads policies says. */
export interface PolicyFlags extends TagSourceFlags, GitLabFlags {
  /** `--policies FILE`. */
  policies?: string;
  /** `--as-of DATE`, in milliseconds since 1970. */
  asOf?: number;
  maxListSize?: number;
  /** `--protect FILE`. */
  protect?: string;
}

/** What the command line of `cleanup plan` says. */
export interface PlanFlags extends PolicyFlags {
  project?: string[];
  due?: boolean;
  workerCapacity?: number;
}

/** What the command line of `cleanup run` says. */
export interface RunFlags extends PlanFlags, RetriesFlags {
  dryRun?: boolean;
  dryrun?: boolean;
  /** In seconds. */
  deleteTagsServiceTimeout?: number;
  /** In per cent. */
  maxDelete?: number;
  skipIfLocked?: boolean;
}
