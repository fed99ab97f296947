import { countOf } from "../../lib/count-of.ts";
import { printable } from "../../lib/printable.ts";
import { formatSpan } from "../../lib/spans-of-time.ts";
import { formatBytes } from "../../lib/units.ts";
import type { MigrationReport, RoundReport } from "../../operations/migrate/migration-report.ts";
import { renderAgainst } from "../verify/render-against.ts";

/** So many names of a kind are shown; `--json` has more. */
const SHOWN = 20;

/** @returns one line about a pass */
export function renderRound(
  { number, resumed, final, copied, deleted, left, vanished, seconds }: RoundReport,
  { dryRun = false }: { dryRun?: boolean } = {},
): string {
  const what = final ? "last differences" : `round ${number}${resumed ? ", gone on with" : ""}`;
  const would = dryRun ? "would be " : "";
  const parts = [`${countOf(copied.files, "file")} ${would}copied (${formatBytes(copied.bytes)})`];
  if (deleted.files > 0) parts.push(`${countOf(deleted.files, "file")} ${would}removed`);
  if (left.files > 0) parts.push(`${countOf(left.files, "file")} left to the next, pushed meanwhile`);
  if (vanished > 0) parts.push(`${countOf(vanished, "file")} gone meanwhile`);
  return `${what}: ${parts.join(", ")}, in ${formatSpan(seconds)}`;
}

/** @returns what a move has done, for people */
export function renderReport(report: MigrationReport): string {
  const { rounds, damaged, failed, comparison, switched, next, source, target, dryRun } = report;
  const isBack = report.command === "migrate rollback";
  const lines = [isBack ? `from ${target} back to ${source}` : `from ${source} to ${target}`];
  lines.push(...rounds.map((round) => renderRound(round, { dryRun })));
  for (const { digest, why } of damaged.slice(0, SHOWN))
    lines.push(`damaged at the source: ${digest}: ${why}`);
  if (damaged.length > SHOWN) lines.push(`  … and ${damaged.length - SHOWN} more`);
  for (const { path, error } of failed.slice(0, SHOWN)) lines.push(`not copied: ${path}: ${error}`);
  if (failed.length > SHOWN) lines.push(`  … and ${failed.length - SHOWN} more`);
  if (comparison !== undefined) lines.push("", renderAgainst(comparison));
  if (switched !== undefined) {
    lines.push(
      "",
      `${switched.config} names the other store; the one from before is kept in ${switched.keptConfig}`,
    );
    for (const probe of switched.probes) lines.push(`  ${probe}`);
    if (switched.readOnlySeconds !== undefined) {
      lines.push(`the registry took no writes for ${formatSpan(switched.readOnlySeconds)}`);
    }
  }
  lines.push("", `${VERDICTS[report.outcome]} (${formatSpan(report.seconds)})`);
  for (const step of next) lines.push(`- ${step}`);
  return printable(lines.join("\n"));
}

const VERDICTS: Readonly<Record<MigrationReport["outcome"], string>> = {
  copied: "copied: what was there when the last round began is at the target",
  incomplete: "not everything could be copied",
  different: "the stores differ, or something at the target cannot be pulled",
  switched: "done: the registry uses the target",
  "rolled back": "done: the registry uses the old store again, with all that was pushed since",
  planned: "nothing was changed",
};
