import { UsageError } from "../../errors.ts";
import { countOf } from "../../lib/count-of.ts";
import { printable } from "../../lib/printable.ts";
import type { CleanupReport } from "../../operations/cleanup/cleanup-report.ts";
import { type CleanupLimits, DEFAULT_LIMITS, type PolicySet } from "../../operations/cleanup/policy.ts";
import { runCleanup } from "../../operations/cleanup/run-cleanup.ts";
import type { ProtectedImages } from "../../operations/tags/protected.ts";
import { currentMachine } from "../../process/machine/run-process.ts";
import { CleanupRunningError } from "../../state/cleanup-memory.ts";
import { Deletions } from "../../state/deletions.ts";
import { isDryRun } from "../../ui/options/dry-run.ts";
import { attemptsOf } from "../../ui/options/retries.ts";
import type { CommandContext } from "../context.ts";
import { type OpenedTagSource, openTagSource } from "../tags/open-tag-source.ts";
import { readProtectFile } from "../tags/read-protect-file.ts";
import type { PlanFlags, PolicyFlags, RunFlags } from "./cleanup-flags.ts";
import { openMemory } from "./open-memory.ts";
import { readPolicies } from "./read-policies.ts";
import { renderCleanup, renderCleanupProgress } from "./render-cleanup.ts";

const FAILED_IN_PART = 3;
/**
 * A timer that is to wait longer goes off at once.
 * @see https://nodejs.org/docs/latest-v20.x/api/timers.html#settimeoutcallback-delay-args
 */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** Runs `cleanup plan`. */
export function runPlan(
  context: CommandContext,
  argument: string | undefined,
  flags: PlanFlags,
): Promise<void> {
  return runPolicies(context, argument, { ...flags, dryRun: true, retries: 0 });
}

/** Runs `cleanup run`, and with `--dry-run` what is the same as `cleanup plan`. */
export async function runPolicies(
  context: CommandContext,
  argument: string | undefined,
  flags: RunFlags,
): Promise<void> {
  const dryRun = isDryRun(flags);
  if (flags.asOf !== undefined && !dryRun) {
    throw new UsageError("--as-of only tries a policy: tags are deleted by the clock of today", {
      hint: "give --dry-run with it, or use cleanup plan",
    });
  }
  const policies = await readPolicies(context, flags);
  const protectedImages = await readProtectFile(context, flags.protect);
  // Of GitLab's policies some may have been left out, which must not go unsaid.
  tellWarnings(context, policies, flags, !dryRun && flags.gitlab === undefined);
  const opened = await openTagSource(context, argument, flags, {
    command: "cleanup run",
    access: dryRun ? "try" : "change",
    // What is due may have nothing to delete.
    mayChangeNothing: true,
  });
  try {
    await runOpened(context, opened, { policies, protectedImages }, flags);
  } finally {
    opened.close();
  }
}

async function runOpened(
  context: CommandContext,
  opened: OpenedTagSource,
  { policies, protectedImages }: { policies: PolicySet; protectedImages: ProtectedImages | undefined },
  flags: RunFlags,
): Promise<void> {
  const dryRun = isDryRun(flags);
  const { memory, folder } = openMemory(context, opened, flags, !dryRun);
  const warn = (text: string): void => void context.stderr.write(`warning: ${printable(text)}\n`);
  if (!dryRun) {
    try {
      await memory.claim(currentMachine());
    } catch (error) {
      if (!(error instanceof CleanupRunningError) || !flags.skipIfLocked) throw error;
      context.notice(`nothing done: ${error.message}`, flags);
      return;
    }
  }
  const progress = context.progress("looking for repositories; safe to stop", flags);
  let report: CleanupReport;
  let isChange = false;
  try {
    report = await runCleanup(
      {
        ...{ source: opened.source, memory, nowMs: Date.now },
        deletions: new Deletions({ folder, onProblem: warn }),
        protectedImages,
        timeoutSignal: (seconds) => AbortSignal.timeout(Math.min(seconds * 1000, LONGEST_TIMER_MS)),
        beforeDeleting: () => {
          isChange = true;
          return opened.recordChange();
        },
      },
      policies,
      {
        ...{ dryRun, limits: limitsOf(policies, flags), projects: flags.project, due: Boolean(flags.due) },
        ...{ asOfMs: flags.asOf, maxDeletePercent: flags.maxDelete, attempts: attemptsOf(flags) },
        onProgress: (done) => progress.update(() => renderCleanupProgress(done)),
        onWait: ({ repository, failed, reason, waitMs }) =>
          context.notice(
            `${repository}: ${countOf(failed, "tag")} could not be deleted (${reason}); trying again in ${Math.ceil(waitMs / 1000)} s`,
            flags,
          ),
        signal: context.signal,
      },
    );
  } finally {
    progress.stop();
    memory.release();
  }
  // What was to be said of the policies has been said.
  const warnings = report.warnings.slice(policies.warnings.length);
  tellWarnings(context, { warnings }, flags, !dryRun);
  await tell(context, report, flags, isChange);
}

async function tell(
  context: CommandContext,
  report: CleanupReport,
  flags: RunFlags,
  isChange: boolean,
): Promise<void> {
  if (isChange) {
    const repositories = report.repositories.filter(({ deleted }) => deleted.length > 0).length;
    const where = `${repositories} ${repositories === 1 ? "repository" : "repositories"}`;
    await context.recordChange({ summary: `deleted ${countOf(report.deleted, "tag")} of ${where}` });
  }
  if (!flags.json) {
    for (const { repository, problem, notDeleted } of report.repositories) {
      if (problem !== undefined) context.stderr.write(`failed: ${printable(`${repository}: ${problem}`)}\n`);
      for (const { tag, why, reason } of notDeleted) {
        if (why !== "failed" && why !== "unread") continue;
        const kind = why === "unread" ? "kept" : why;
        context.stderr.write(`${kind}: ${printable(`${repository}:${tag}: ${reason ?? "unknown"}`)}\n`);
      }
    }
  }
  const isSilent = Boolean(flags.quiet) && !report.dryRun;
  if (flags.json || !isSilent) context.report(report, (result) => printable(renderCleanup(result)), flags);
  if (report.failed > 0) context.setExitCode(FAILED_IN_PART);
}

/**
 * Says what may surprise.
 *
 * @param isRoutine - nobody is to be mailed every night about a policy that is as it is
 */
export function tellWarnings(
  context: CommandContext,
  { warnings }: Pick<PolicySet, "warnings">,
  flags: PolicyFlags,
  isRoutine: boolean,
): void {
  if (flags.json) return;
  for (const warning of warnings) {
    if (isRoutine) context.notice(`warning: ${warning}`, flags);
    else context.stderr.write(`warning: ${printable(warning)}\n`);
  }
}

/** @returns the limits of the command line, else those beside the policies, else the usual ones */
function limitsOf(policies: PolicySet, flags: RunFlags): CleanupLimits {
  const limits = { ...DEFAULT_LIMITS, ...policies.limits };
  return {
    workerCapacity: flags.workerCapacity ?? limits.workerCapacity,
    deleteTagsServiceTimeout: flags.deleteTagsServiceTimeout ?? limits.deleteTagsServiceTimeout,
    maxListSize: flags.maxListSize ?? limits.maxListSize,
  };
}
