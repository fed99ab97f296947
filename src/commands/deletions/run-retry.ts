import { UsageError } from "../../errors.ts";
import { countOf } from "../../lib/count-of.ts";
import { printable } from "../../lib/printable.ts";
import {
  countProtected,
  type RetryReport,
  removeScheduled,
  scheduleDeletions,
} from "../../operations/deletions/retry-deletions.ts";
import type { ProtectedImages } from "../../operations/tags/protected.ts";
import type { Deletions } from "../../state/deletions.ts";
import { isDryRun } from "../../ui/options/dry-run.ts";
import { attemptsOf, type RetriesFlags } from "../../ui/options/retries.ts";
import type { CommandContext } from "../context.ts";
import { openTagSource } from "../tags/open-tag-source.ts";
import { readProtectFile } from "../tags/read-protect-file.ts";
import { type DeletionsFlags, deletionsIn, openDeletions } from "./open-deletions.ts";
import { renderRetry } from "./render.ts";
import { checkRepositories } from "./run-list.ts";

/** What the command line of `deletions retry` says. */
export interface RetryFlags extends DeletionsFlags, RetriesFlags {
  all?: boolean;
  now?: boolean;
  protect?: string;
  dryRun?: boolean;
  dryrun?: boolean;
  yes?: boolean;
}

const FAILED_IN_PART = 3;

/** Runs `deletions retry`. */
export async function runRetryDeletions(
  context: CommandContext,
  repositories: readonly string[],
  flags: RetryFlags,
): Promise<void> {
  checkRepositories(repositories);
  if ((repositories.length === 0) === (flags.all !== true)) {
    throw new UsageError(
      "deletions are tried again in the repositories that are named, or in all with --all",
      {
        hint: "registry-ctl deletions list tells which there are",
      },
    );
  }
  if (flags.protect !== undefined && !flags.now) {
    throw new UsageError("--protect goes with --now only: without it nothing is deleted here", {
      hint: "give it to the tags delete or cleanup run that is to delete them",
    });
  }
  const protectedImages = await readProtectFile(context, flags.protect);
  const dryRun = isDryRun(flags);
  const wanted = { repositories, dryRun };
  let report: RetryReport;
  if (flags.now && !dryRun) report = await retryNow(context, repositories, protectedImages, flags);
  else {
    const deletions = await openDeletions(context, flags, dryRun ? "look" : "change");
    report = { ...(await scheduleDeletions(deletions, wanted)), now: flags.now ?? false };
    countProtected(report, protectedImages);
    if (!dryRun) await context.recordChange({ summary: `scheduled ${report.scheduled.length}` });
  }
  for (const { repository, name, reason } of flags.json ? [] : report.doubtful)
    context.stderr.write(`kept: ${printable(`${repository}:${name}: ${reason}`)}\n`);
  context.report(report, (result) => printable(renderRetry(result)), flags);
  if (report.failed + report.doubtful.length > 0) context.setExitCode(FAILED_IN_PART);
}

async function retryNow(
  context: CommandContext,
  repositories: readonly string[],
  protectedImages: ProtectedImages | undefined,
  flags: RetryFlags,
): Promise<RetryReport> {
  const opened = await openTagSource(context, undefined, flags, {
    command: "deletions retry",
    access: "change",
  });
  try {
    const { source, stateFolder } = opened;
    const deletions = deletionsIn(context, stateFolder);
    await confirmRetry(context, deletions, repositories, flags);
    const report = await scheduleDeletions(deletions, { repositories, dryRun: false });
    await removeScheduled({ source, deletions }, report, {
      ...{ attempts: attemptsOf(flags), protectedImages, signal: context.signal },
      onOutcome: (repository, { name, kind, reason = "" }) => {
        if (kind !== "failed" || flags.json) return;
        context.stderr.write(`failed: ${printable(`${repository}:${name}: ${reason}`)}\n`);
      },
      onWait: ({ failed, reason, waitMs }) =>
        context.notice(
          `${countOf(failed, "tag")} could not be deleted (${reason}): trying again in ${Math.ceil(waitMs / 1000)} s`,
          flags,
        ),
    });
    await context.recordChange({ summary: `deleted ${countOf(report.deleted, "tag")}` });
    return report;
  } finally {
    opened.close();
  }
}

async function confirmRetry(
  context: CommandContext,
  deletions: Deletions,
  repositories: readonly string[],
  flags: RetryFlags,
): Promise<void> {
  const { scheduled } = await scheduleDeletions(deletions, { repositories, dryRun: true });
  if (scheduled.length === 0) return;
  await context.confirm(
    `Delete ${countOf(scheduled.length, "tag")} that could not be deleted before?`,
    flags,
  );
}
