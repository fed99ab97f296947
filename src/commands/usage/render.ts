import type { Writable } from "node:stream";
import { countOf } from "../../lib/count-of.ts";
import { printable } from "../../lib/printable.ts";
import { formatBytes } from "../../lib/units.ts";
import type { UsageReport } from "../../operations/usage/usage-report.ts";
import { renderMarkdownTable } from "../../ui/markdown-table.ts";
import { columnsOf } from "./columns.ts";
import { cellsOf, headOf, rightAlignedOf, summaryRows } from "./render-cells.ts";
import { renderGitLabCsv, renderUsageCsv } from "./render-csv.ts";
import { renderUsageTable } from "./render-table.ts";
import type { UsageFlags } from "./usage-flags.ts";

/** @returns the report in a form for people or programs; JSON is not made here */
export function renderUsage(
  report: UsageReport,
  format: UsageFlags["format"],
  stream: Writable & { isTTY?: boolean; columns?: number },
): string {
  if (format === "csv") return printable(renderUsageCsv(report));
  if (format === "gitlab-csv") return printable(renderGitLabCsv(report));
  const lines = format === "md" ? renderMarkdown(report) : renderUsageTable(report, widthOf(stream));
  return printable(`${lines}\n\n${footer(report).join("\n")}`);
}

/** @returns the places of a line; undefined where there is no terminal */
function widthOf({ isTTY, columns }: { isTTY?: boolean; columns?: number }): number | undefined {
  return isTTY ? columns || undefined : undefined;
}

function renderMarkdown(report: UsageReport): string {
  const columns = columnsOf(report.by);
  const rows = [...report.rows, ...summaryRows(report)].map((row) => cellsOf(row, columns));
  return renderMarkdownTable(headOf(columns), rows, rightAlignedOf(columns));
}

function footer({ rows, leftOut, overBytes, projects, total, orphans, graceSeconds }: UsageReport): string[] {
  const lines: string[] = [];
  if (overBytes !== undefined)
    lines.push(
      `larger than ${formatBytes(overBytes)}: ${rows.length + leftOut === 0 ? "none" : rows.length + leftOut}`,
    );
  if (leftOut > 0) lines.push(`${countOf(leftOut, "row")} left out`);
  if (projects?.from === "guess" && rows.length > 0)
    lines.push(
      `~ a guess: the first ${countOf(projects.depth, "segment")} of the name; --projects or --gitlab tells which part is the project`,
    );
  else if (rows.some(({ guessed }) => guessed)) lines.push("~ no known project: the beginning of the name");
  if (rows.some(({ parked }) => parked))
    lines.push("(parked) a move has taken it from this name and not finished");
  if (rows.some(({ damaged }) => damaged)) lines.push("(damaged) garbage-collect keeps everything of it");
  lines.push(
    `${countOf(total.blobs, "blob")}, ${formatBytes(total.sizeBytes)}: ` +
      `garbage-collect -m would free ${formatBytes(total.untaggedBytes + orphans.freeableBytes)} of it` +
      (graceSeconds > 0 ? `, but nothing that is younger than ${formatSeconds(graceSeconds)}` : ""),
  );
  return lines;
}

function formatSeconds(seconds: number): string {
  if (seconds % 3600 === 0) return `${seconds / 3600}h`;
  return seconds % 60 === 0 ? `${seconds / 60}m` : `${seconds}s`;
}
