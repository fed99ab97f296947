import type { CleanupStep } from "./decide-tags.ts";

/** A tag that is deleted, or would be. */
export interface ReportedTag {
  tag: string;
  digest: string;
  /** ISO 8601; left out where the image does not say. */
  createdAt?: string;
}

/** What became of one repository. */
export interface RepositoryReport {
  repository: string;
  project: string;
  tags: number;
  /** So many tags each step kept. */
  kept: Partial<Record<Exclude<CleanupStep, "delete">, number>>;
  /** Oldest first. */
  deleted: ReportedTag[];
  /**
   * Tags that were to be deleted and were not. `gone` and `moved` by somebody else are no failures; of what is `unread` nobody knows
   * whether it is protected.
   */
  notDeleted: { tag: string; why: "gone" | "moved" | "failed" | "unread" | "no time"; reason?: string }[];
  /** Why nothing was decided, or nothing deleted. */
  problem?: string;
}

/** What became of one project's policy. */
export interface ProjectReport {
  project: string;
  /** The path that the policy is written for, which may have `*` in it. */
  policy: string;
  /** Where it is written. */
  from: string;
  /**
   * `unfinished`: something is left over for the next run: what max_list_size cut off, what there was no time for, what failed.
   */
  state: "done" | "unfinished" | "not due" | "switched off";
  /** When it is due again, ISO 8601; left out where it is not known, or now. */
  nextRunAt?: string;
}

/** The result of a run, or of a plan: the body of `--json`. */
export interface CleanupReport {
  schemaVersion: 1;
  command: "cleanup run" | "cleanup plan";
  /** Nothing was deleted. */
  dryRun: boolean;
  startedAt: string;
  /** The day for which it was tried. */
  asOf?: string;
  projects: ProjectReport[];
  repositories: RepositoryReport[];
  /** Repositories that no policy is for. */
  withoutPolicy: number;
  deleted: number;
  failed: number;
  warnings: string[];
  seconds: number;
}
