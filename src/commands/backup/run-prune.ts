import { storeName } from "../../config/store-name.ts";
import { UsageError } from "../../errors.ts";
import { countOf } from "../../lib/count-of.ts";
import { printable } from "../../lib/printable.ts";
import { formatBytes } from "../../lib/units.ts";
import { type PrunePlan, type PruneReport, pruneBackups } from "../../operations/backup/prune-backups.ts";
import { currentMachine } from "../../process/machine/run-process.ts";
import { isDryRun } from "../../ui/options/dry-run.ts";
import type { CommandContext } from "../context.ts";
import type { PruneFlags } from "./backup-flags.ts";
import { nameStore } from "./name-store.ts";

const PARTLY = 3;

/** Runs `backup prune`. */
export async function runPrune(context: CommandContext, flags: PruneFlags): Promise<void> {
  const { keepLast, keepWithin: keepWithinMs, grace: graceMs } = flags;
  if (keepLast === undefined && keepWithinMs === undefined) {
    throw new UsageError("nothing says which snapshots stay", {
      hint: "give --keep-last, --keep-within or both",
    });
  }
  const place = await nameStore(context, flags.store, "--store");
  const dryRun = isDryRun(flags);
  context.notice(`backups: ${storeName(place)}`, flags);
  const backup = await context.openTarget(place, flags);
  let progress = context.progress("reading snapshots; safe to stop", flags);
  const confirm = async (plan: PrunePlan): Promise<void> => {
    progress.stop();
    if (!flags.yes) {
      if (!flags.json) for (const id of plan.removed) context.notice(`  ${id}`, flags);
      await context.confirm(`Remove ${amounts(plan)}?`, flags);
    }
    await context.recordChange({ target: storeName(place) });
    progress = context.progress("removing", flags);
  };
  let report: PruneReport;
  try {
    report = await pruneBackups(
      {
        ...{ backup, holder: currentMachine(), nowMs: Date.now, signal: context.signal, confirm },
        onProgress: ({ phase, files }) =>
          progress.update(() => `${phase}: ${countOf(files, "blob")}; safe to stop`),
      },
      { keepLast, keepWithinMs, graceMs, dryRun },
    );
  } finally {
    progress.stop();
  }
  const isChanged = !dryRun && report.removed.length + report.blobs.files > 0;
  if (isChanged) await context.recordChange({ summary: `removed ${amounts(report)}` });
  if (!flags.json) {
    for (const warning of report.warnings) context.stderr.write(`warning: ${printable(warning)}\n`);
  }
  context.report(report, renderPruned, flags);
  if (report.failedCount > 0) context.setExitCode(PARTLY);
}

function amounts({ removed, blobs }: PrunePlan): string {
  return `${countOf(removed.length, "snapshot")} and ${countOf(blobs.files, "blob")} (${formatBytes(blobs.bytes)})`;
}

function renderPruned(report: PruneReport): string {
  const { dryRun, kept, removed, failed, failedCount } = report;
  const lines = removed.map((id) => `${dryRun ? "would remove" : "removed"} ${id}`);
  lines.push(
    `${dryRun ? "would remove" : "removed"} ${amounts(report)}; ${countOf(kept.length, "snapshot")} ${kept.length === 1 ? "stays" : "stay"}`,
  );
  for (const { path, error } of failed.slice(0, 20)) lines.push(`  not removed: ${path}: ${error}`);
  if (failedCount > 0) lines.push(`${countOf(failedCount, "blob")} could not be removed`);
  return printable(lines.join("\n"));
}
