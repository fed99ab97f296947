import { countOf } from "../../lib/count-of.ts";
import { printable } from "../../lib/printable.ts";
import { keepWrittenAfter, readStoreTime } from "../../operations/gc/check-state.ts";
import { needsDates } from "../../operations/tags/choose-tags.ts";
import { exitCodeOfDeletion, type TagDeletionReport } from "../../operations/tags/delete-report.ts";
import { deleteTags } from "../../operations/tags/delete-tags.ts";
import type { TagSelection } from "../../operations/tags/plan-deletion.ts";
import type { RemovalOutcome, TagTarget } from "../../operations/tags/tag-source.ts";
import { Deletions } from "../../state/deletions.ts";
import type { StorageDriver } from "../../storage/driver.ts";
import { isDryRun } from "../../ui/options/dry-run.ts";
import { attemptsOf, type RetriesFlags } from "../../ui/options/retries.ts";
import type { CommandContext } from "../context.ts";
import { refusePushDates } from "../over-http/refuse-push-dates.ts";
import { DeletionLog } from "./deletion-log.ts";
import { openTagSource, type TagSourceFlags } from "./open-tag-source.ts";
import { readProtectFile } from "./read-protect-file.ts";
import { readSelection, type SelectionFlags } from "./read-selection.ts";
import { renderDeletion, renderDeletionQuestion } from "./render-delete.ts";
import { checkRepository } from "./run-list.ts";

/** What the command line of `tags delete` says. */
export interface DeleteFlags extends TagSourceFlags, SelectionFlags, RetriesFlags {
  dryRun?: boolean;
  dryrun?: boolean;
  yes?: boolean;
  /** Tags a second. */
  rate?: number;
  log?: string;
}

/** Runs `tags delete`. */
export async function runDeleteCommand(
  context: CommandContext,
  repository: string,
  tags: readonly string[],
  flags: DeleteFlags,
): Promise<void> {
  checkRepository(repository);
  const dryRun = isDryRun(flags);
  const selection = await readSelection(context, tags, flags, Date.now());
  const usesPushes =
    "rules" in selection && needsDates(selection.rules) && selection.rules.ageBy === "pushed";
  refusePushDates(flags, usesPushes ? "--age-by pushed" : undefined, "count by --age-by created");
  const protectedImages = await readProtectFile(context, flags.protect);
  const log = dryRun || flags.log === undefined ? undefined : new DeletionLog(context.cwd, flags.log);
  const warn = (text: string): void => void context.stderr.write(`warning: ${printable(text)}\n`);
  const opened = await openTagSource(context, undefined, flags, {
    command: "tags delete",
    access: dryRun ? "try" : "change",
    change: { repository },
  });
  let progress = context.progress("reading tags", flags);
  try {
    const { source, stateFolder } = opened;
    const report = await deleteTags(
      {
        source,
        nowMs: Date.now,
        deletions: new Deletions({ folder: stateFolder, onProblem: warn }),
      },
      {
        ...{ repository, protectedImages, dryRun, ratePerSecond: flags.rate, attempts: attemptsOf(flags) },
        selection: await byStoreTime(selection, opened.driver, dryRun),
        confirm: async (planned) => {
          if (flags.yes) return;
          progress.stop();
          await context.confirm(renderDeletionQuestion(planned), flags);
          progress = context.progress("deleting tags", flags);
        },
        onOutcome: (outcome, tag) => log?.add(logLine(repository, outcome, tag)),
        onProgress: (done, total) =>
          progress.update(() => `deleting tags: ${done} of ${total}; safe to stop`),
        onWait: ({ failed, reason, waitMs }) =>
          context.notice(
            `${countOf(failed, "tag")} could not be deleted (${reason}): trying again in ${Math.ceil(waitMs / 1000)} s`,
            flags,
          ),
        signal: context.signal,
      },
    );
    progress.stop();
    if (log?.problem !== undefined) report.warnings.push(`--log: lines are missing: ${log.problem}`);
    if (!dryRun) await context.recordChange({ summary: summaryOf(report) });
    print(context, report, flags);
    context.setExitCode(exitCodeOfDeletion(report));
  } finally {
    progress.stop();
    opened.close();
    log?.close();
  }
}

/** Times of pushes are the store's. */
async function byStoreTime(
  selection: TagSelection,
  driver: StorageDriver | undefined,
  dryRun: boolean,
): Promise<TagSelection> {
  if ("names" in selection || driver === undefined) return selection;
  const { rules } = selection;
  if (rules.ageBy !== "pushed" || !needsDates(rules)) return selection;
  // On a disk the store's time takes a file to be written.
  const time = dryRun ? { nowMs: rules.nowMs } : await readStoreTime(driver, rules.nowMs);
  if (time.problem) throw time.problem;
  // A bucket tells times in whole seconds, so that some might seem older than they are.
  const grainMs = time.nowMs - keepWrittenAfter(driver, time.nowMs, 1) - 1;
  return { rules: { ...rules, nowMs: time.nowMs - grainMs } };
}

function logLine(
  repository: string,
  { name, kind, reason }: RemovalOutcome,
  tag: TagTarget | undefined,
): object {
  const digest = tag?.digest;
  return {
    ...{ repository, tag: name },
    ...(digest === undefined ? {} : { digest }),
    outcome: kind === "removed" ? "deleted" : kind,
    ...(reason === undefined ? {} : { reason }),
  };
}

function summaryOf({ deleted, failed }: TagDeletionReport): string {
  const failures = failed.length === 0 ? "" : `, ${failed.length} could not be`;
  return `deleted ${countOf(deleted, "tag")}${failures}`;
}

function print(context: CommandContext, report: TagDeletionReport, flags: DeleteFlags): void {
  if (!flags.json) {
    const tell = (kind: string, text: string): void =>
      void context.stderr.write(`${kind}: ${printable(text)}\n`);
    for (const warning of report.warnings) tell("warning", warning);
    for (const { line, text } of report.invalid)
      tell("warning", `${flags.fromFile}:${line}: ${text} is no name of a tag`);
    for (const { name, reason } of report.doubtful) tell("kept", `${name}: ${reason}`);
    for (const { name, reason } of report.moved) tell("kept", `${name}: ${reason}`);
    for (const { name, reason } of report.failed) tell("failed", `${name}: ${reason}`);
  }
  context.report(report, (result) => printable(renderDeletion(result)), flags);
}
