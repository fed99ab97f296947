import { concernsTimer, planRemove } from "../../operations/cron/plan-cron.ts";
import { refuseOutside } from "../../operations/derived/inside-root.ts";
import { writePlannedFiles } from "../../process/files/write-planned-files.ts";
import { applyTimer, disableTimer, type TimerState } from "../../process/service/collection-timer.ts";
import { isDryRun } from "../../ui/options/dry-run.ts";
import type { CommandContext } from "../context.ts";
import { type PlaceFlags, rootFolder } from "./places.ts";
import { timerLines } from "./run-install.ts";

/** What the command line of `cron remove` says. */
export interface RemoveFlags extends PlaceFlags {
  yes?: boolean;
  dryRun?: boolean;
  dryrun?: boolean;
}

/** What was removed; with `--json` it is the document. */
export interface RemoveReport {
  schemaVersion: 1;
  command: "cron remove";
  dryRun: boolean;
  /** Paths. */
  removed: string[];
  /** Where the content of files that others have made is kept. */
  backups: string[];
  timer?: TimerState;
}

/** Removes what `cron install` has made. */
export async function runRemove(context: CommandContext, flags: RemoveFlags): Promise<void> {
  const dryRun = isDryRun(flags);
  const root = rootFolder(flags, context.cwd);
  const changes = planRemove(root);
  refuseOutside(root, changes);
  const removed = changes.map(({ path }) => path);
  const report: RemoveReport = { schemaVersion: 1, command: "cron remove", dryRun, removed, backups: [] };
  if (changes.length > 0 && !dryRun) {
    await context.confirm(`Remove ${removed.join(", ")}?`, flags);
    await context.recordChange({
      target: removed.join(", "),
      summary: "collect no garbage by the clock any more",
    });
    const concerned = concernsTimer(changes);
    if (concerned === "removed") await disableTimer(root);
    report.backups = await writePlannedFiles(changes);
    const timer = await applyTimer(concerned, root);
    if (timer !== undefined) report.timer = timer;
  }
  context.report(report, renderRemoved, flags);
}

/** @returns what was removed, a line each */
export function renderRemoved({ dryRun, removed, backups, timer }: RemoveReport): string {
  if (removed.length === 0) return "nothing is installed";
  const lines = removed.map((path) => `${dryRun ? "would remove" : "removed"}: ${path}`);
  for (const path of backups) lines.push(`what was there before: ${path}`);
  return [...lines, ...timerLines(timer)].join("\n");
}
