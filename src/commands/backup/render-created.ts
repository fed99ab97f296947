import { countOf } from "../../lib/count-of.ts";
import { printable, printableLine } from "../../lib/printable.ts";
import { formatSpan } from "../../lib/spans-of-time.ts";
import { formatBytes } from "../../lib/units.ts";
import type { BackupReport } from "../../operations/backup/backup-report.ts";
import type { BackupProblem } from "../../operations/backup/snapshot-records.ts";

const SHOWN = 20;

/** @returns what `backup create` has done, for people */
export function renderCreated(report: BackupReport): string {
  const { snapshot, counts, copied, problems, problemCount, metadataOnly, seconds } = report;
  const what = `${counts.repositories === 1 ? "1 repository" : `${counts.repositories} repositories`}, ${countOf(counts.tags, "tag")}, ${countOf(counts.manifests, "manifest")}`;
  const lines = [
    snapshot === undefined ? "no snapshot was written (--strict)" : `snapshot ${snapshot}`,
    `  ${what}; ${formatBytes(counts.bytes)}${metadataOnly ? ", manifests only" : ""}`,
    `  copied ${countOf(copied.files, "blob")}, ${formatBytes(copied.bytes)}, in ${formatSpan(seconds)}`,
  ];
  if (problemCount > 0) {
    lines.push(`${countOf(problemCount, "thing")} could not be backed up as it should be:`);
    lines.push(...problems.slice(0, SHOWN).map(renderProblem));
    if (problemCount > SHOWN) lines.push(`  and ${problemCount - SHOWN} more (--json shows a thousand)`);
  }
  return printable(lines.join("\n"));
}

function renderProblem({ kind, repository, tags, digest, path, detail }: BackupProblem): string {
  const where = repository ?? path ?? "";
  const names = tags.length === 0 ? "" : `:${tags.slice(0, 5).join(", :")}${tags.length > 5 ? ", ..." : ""}`;
  return `  ${kind}: ${printableLine(`${where}${names}${digest === undefined ? "" : ` ${digest}`}: ${detail}`)}`;
}
