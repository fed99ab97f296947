import type { GitLabApi } from "../../client/gitlab/gitlab-api.ts";
import type { PolicyChange } from "../../client/gitlab/policy-change.ts";
import { readGitLabProjects } from "../../client/gitlab/read-projects.ts";
import { CancelledError, UsageError } from "../../errors.ts";
import { countOf } from "../../lib/count-of.ts";
import { printable } from "../../lib/printable.ts";
import { checkGitLabPattern } from "../../operations/cleanup/gitlab/check-gitlab-pattern.ts";
import {
  applyPolicies,
  type PolicyPlan,
  planPolicies,
} from "../../operations/cleanup/gitlab/set-policies.ts";
import { setReport } from "../../operations/cleanup/gitlab/set-report.ts";
import { readNamedProjects } from "../../operations/cleanup/gitlab-policies.ts";
import { isDryRun } from "../../ui/options/dry-run.ts";
import type { GitLabFlags } from "../../ui/options/gitlab.ts";
import type { CommandContext, GlobalFlags } from "../context.ts";
import { openGitLab } from "../gitlab/open-gitlab.ts";
import { renderPlannedPolicies, renderSet } from "./render-set.ts";

/** What the command line of `cleanup set` says. */
export interface SetFlags extends GitLabFlags, GlobalFlags {
  all?: boolean;
  project?: string[];
  withoutPolicy?: boolean;
  enabled?: boolean;
  disabled?: boolean;
  cadence?: string;
  /** `none` or a number. */
  keepN?: string;
  /** `none` or a time. */
  olderThan?: string;
  nameRegexDelete?: string;
  nameRegexKeep?: string;
  dryRun?: boolean;
  dryrun?: boolean;
  yes?: boolean;
}

const FAILED_IN_PART = 3;

/** Runs `cleanup set`. */
export async function runSetCommand(context: CommandContext, flags: SetFlags): Promise<void> {
  const change = changeOf(flags);
  const isNamed = flags.project !== undefined;
  if (isNamed === Boolean(flags.all)) {
    throw new UsageError(
      "say which projects: --all, or --project group/project, which may be given more than once",
    );
  }
  if (flags.readOnlyStore && !isDryRun(flags)) {
    throw new UsageError("--read-only-store lets nothing be changed, in GitLab neither", {
      hint: "see what would be done with --dry-run",
    });
  }
  const gitlab = await openGitLab(context, flags);
  if (gitlab === undefined)
    throw new UsageError("--gitlab https://… is missing: policies are written to GitLab only");
  const { plan, notices } = await planOf(context, gitlab, change, flags);
  const warnings = [...notices, ...plan.warnings];
  if (!flags.json) for (const warning of warnings) context.stderr.write(`warning: ${printable(warning)}\n`);
  const about = { gitlab: gitlab.name, warnings };
  if (isDryRun(flags)) {
    return context.report(setReport(plan, undefined, about), (report) => printable(renderSet(report)), flags);
  }
  if (plan.changes.length > 0) await agree(context, plan, flags);
  await apply(context, gitlab, { plan, change, about }, flags);
}

async function planOf(
  context: CommandContext,
  gitlab: GitLabApi,
  change: PolicyChange,
  flags: SetFlags,
): Promise<{ plan: PolicyPlan; notices: string[] }> {
  const { signal } = context;
  const options = { isNamed: flags.project !== undefined, onlyWithout: Boolean(flags.withoutPolicy) };
  if (flags.project) {
    const projects = await readNamedProjects(gitlab, flags.project, signal);
    return { plan: planPolicies(projects, change, options), notices: [] };
  }
  const progress = context.progress(`reading the projects of ${gitlab.name}`, flags);
  try {
    const { projects, notices } = await readGitLabProjects(gitlab, {
      signal,
      onProject: (found) => progress.update(() => `reading the projects of ${gitlab.name}: ${found}`),
    });
    return { plan: planPolicies(projects, change, options), notices };
  } finally {
    progress.stop();
  }
}

async function agree(context: CommandContext, plan: PolicyPlan, flags: SetFlags): Promise<void> {
  context.notice(printable(renderPlannedPolicies(plan.changes)), flags);
  await context.confirm(`Write the policies of ${countOf(plan.changes.length, "project")} to GitLab?`, flags);
}

interface SetWork {
  plan: PolicyPlan;
  change: PolicyChange;
  about: { gitlab: string; warnings: string[] };
}

async function apply(
  context: CommandContext,
  gitlab: GitLabApi,
  { plan, change, about }: SetWork,
  flags: SetFlags,
): Promise<void> {
  const total = plan.changes.length;
  const target = gitlab.name;
  if (total > 0)
    await context.recordChange({ target, summary: `cleanup policies of ${countOf(total, "project")}` });
  const progress = context.progress("writing policies", flags);
  let done = 0;
  const applied = await applyPolicies(gitlab, plan, change, {
    signal: context.signal,
    onChanged: (now) => {
      done = now;
      progress.update(() => `writing policies: ${now} of ${total}; safe to stop`);
    },
  })
    .catch((error: unknown) => {
      if (!(error instanceof CancelledError)) throw error;
      throw new CancelledError(`stopped after ${done} of ${countOf(total, "project")}`, {
        hint: "run it again: it does what is left",
      });
    })
    .finally(() => progress.stop());
  const { changed, failed, left, stoppedBy } = applied;
  if (stoppedBy && changed.length === 0) throw stoppedBy;
  if (failed.length + left.length > 0) {
    context.setExitCode(FAILED_IN_PART);
    await context.recordChange({
      target,
      summary: `cleanup policies of ${changed.length} of ${countOf(total, "project")}`,
    });
  }
  if (!flags.json) {
    for (const { project, error } of failed)
      context.stderr.write(`failed: ${printable(`${project}: ${error}`)}\n`);
  }
  context.report(setReport(plan, applied, about), (report) => printable(renderSet(report)), flags);
}

/** @throws {UsageError} if nothing is to change, or GitLab would not take it */
function changeOf(flags: SetFlags): PolicyChange {
  const { enabled, disabled, cadence, keepN, olderThan, nameRegexDelete, nameRegexKeep } = flags;
  if (nameRegexDelete !== undefined) checkGitLabPattern(nameRegexDelete, "--name-regex-delete");
  if (nameRegexKeep !== undefined) checkGitLabPattern(nameRegexKeep, "--name-regex-keep");
  const change: PolicyChange = {
    ...(enabled || disabled ? { enabled: enabled === true } : {}),
    ...(cadence === undefined ? {} : { cadence }),
    ...(keepN === undefined ? {} : { keepN: keepN === "none" ? null : Number(keepN) }),
    ...(olderThan === undefined ? {} : { olderThan: olderThan === "none" ? null : olderThan }),
    ...(nameRegexDelete === undefined ? {} : { nameRegexDelete }),
    ...(nameRegexKeep === undefined ? {} : { nameRegexKeep }),
  };
  if (Object.keys(change).length > 0) return change;
  throw new UsageError("there is nothing to set", {
    hint: "say what is to change, such as --enabled or --keep-n 10",
  });
}
