import { printable } from "../../lib/printable.ts";
import { type CronReport, lookAtCron } from "../../operations/cron/look-at-cron.ts";
import type { CommandContext } from "../context.ts";
import { type PlaceFlags, rootFolder } from "./places.ts";

/** Shows what collects garbage by the clock. */
export function runShow(context: CommandContext, flags: PlaceFlags): void {
  const report = lookAtCron(rootFolder(flags, context.cwd));
  context.report(report, (result) => printable(renderCron(result)), flags);
}

/** @returns what is installed, and what else there is */
export function renderCron({ installed, others }: CronReport): string {
  const lines = installed.flatMap(({ file, schedule, line }) => [
    file,
    `  when: ${schedule}`,
    `  runs: ${line}`,
  ]);
  if (installed.length === 0) lines.push("nothing is installed: see registry-ctl cron install --help");
  if (others.length > 0) lines.push("", "other lines that collect garbage:");
  for (const { file, line, text } of others) lines.push(`  ${file}:${line}: ${text}`);
  return lines.join("\n");
}
