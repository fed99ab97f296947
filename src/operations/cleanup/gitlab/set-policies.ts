import type { GitLabApi } from "../../../client/gitlab/gitlab-api.ts";
import { GitLabError } from "../../../client/gitlab/gitlab-error.ts";
import type { GitLabPolicy, GitLabProject } from "../../../client/gitlab/gitlab-project.ts";
import {
  differencesOf,
  type PolicyChange,
  type PolicyDifference,
} from "../../../client/gitlab/policy-change.ts";
import { CancelledError } from "../../../errors.ts";
import { countOf } from "../../../lib/count-of.ts";
import { forEachConcurrently } from "../../../lib/for-each-concurrently.ts";
import { messageOf } from "../../../lib/message-of.ts";
import { warningsOf } from "../policy-warnings.ts";

/** Requests at a time: GitLab has other work to do. */
const CONCURRENCY = 4;

/** A project whose policy is to be changed. */
export interface PlannedPolicy {
  project: string;
  id: number;
  /** It has none yet: GitLab gives what is not said its own defaults. */
  isNew: boolean;
  differences: PolicyDifference[];
}

/** What is to be done. */
export interface PolicyPlan {
  changes: PlannedPolicy[];
  /** Paths of projects that have it so already. */
  unchanged: string[];
  /** Projects that are left out, and why. */
  skipped: { project: string; reason: string }[];
  /** What may surprise about the policies as they will be, for people. */
  warnings: string[];
}

/**
 * @param isNamed - the projects were named one by one: none is left out
 * @returns what a change makes different in projects
 */
export function planPolicies(
  projects: readonly GitLabProject[],
  change: PolicyChange,
  { isNamed, onlyWithout }: { isNamed: boolean; onlyWithout: boolean },
): PolicyPlan {
  const plan: PolicyPlan = { changes: [], unchanged: [], skipped: [], warnings: [] };
  const surprises = new Map<string, number>();
  for (const project of projects) {
    const { path, id, policy } = project;
    const reason = isNamed ? undefined : reasonToSkip(project);
    const differences = differencesOf(policy, change);
    if (reason !== undefined) plan.skipped.push({ project: path, reason });
    else if (differences.length === 0 || (onlyWithout && policy?.enabled)) plan.unchanged.push(path);
    else {
      plan.changes.push({ project: path, id, isNew: policy === undefined, differences });
      for (const { text } of warningsOf({ ...policy, ...change })) {
        surprises.set(text, (surprises.get(text) ?? 0) + 1);
      }
    }
  }
  for (const [text, count] of surprises) plan.warnings.push(`in ${countOf(count, "project")}: ${text}`);
  return plan;
}

function reasonToSkip({ isArchived, hasRegistry }: GitLabProject): string | undefined {
  if (isArchived) return "archived";
  return hasRegistry === false ? "its container registry is switched off" : undefined;
}

/** What became of a plan. */
export interface AppliedPolicies {
  /** With the policy as GitLab has it now. */
  changed: (PlannedPolicy & { policy: GitLabPolicy | undefined })[];
  failed: { project: string; error: string }[];
  /** Projects that nobody asked for any more; why is `stoppedBy`. */
  left: string[];
  stoppedBy: GitLabError | undefined;
}

/**
 * Writes policies to GitLab, each project by itself: what has been written stays, and another run does the rest.
 *
 * @throws {CancelledError} when the signal is aborted; `onChanged` has told what was done
 */
export async function applyPolicies(
  gitlab: GitLabApi,
  { changes }: PolicyPlan,
  change: PolicyChange,
  { signal, onChanged }: { signal?: AbortSignal | undefined; onChanged?: (done: number) => void } = {},
): Promise<AppliedPolicies> {
  const applied: AppliedPolicies = { changed: [], failed: [], left: [], stoppedBy: undefined };
  await forEachConcurrently(changes, CONCURRENCY, async (planned) => {
    if (applied.stoppedBy) return void applied.left.push(planned.project);
    if (signal?.aborted) throw new CancelledError();
    try {
      const { policy } = await gitlab.setPolicy(planned.id, change, { signal });
      applied.changed.push({ ...planned, policy });
      onChanged?.(applied.changed.length);
    } catch (error) {
      if (!(error instanceof GitLabError)) throw error;
      if (error.isFinal) applied.stoppedBy ??= error;
      applied.failed.push({ project: planned.project, error: messageOf(error) });
    }
  });
  return { ...applied, changed: applied.changed.toSorted((a, b) => a.id - b.id) };
}
