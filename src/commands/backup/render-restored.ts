import { countOf } from "../../lib/count-of.ts";
import { printable } from "../../lib/printable.ts";
import { formatBytes } from "../../lib/units.ts";
import type { DifferingTag, RestoreReport } from "../../operations/backup/restore-report.ts";

const SHOWN = 20;

/** @returns what `backup restore` has done or would do, for people */
export function renderRestored(report: RestoreReport): string {
  const { dryRun, tags, manifests, copied, links, overwritten, kept, lacking, damaged } = report;
  const verb = dryRun ? "would restore" : "restored";
  const lines = [
    `${verb} ${countOf(tags.new + tags.overwritten, "tag")} and ${countOf(manifests.new, "manifest")} of ${report.snapshot}`,
    `  ${dryRun ? "would copy" : "copied"} ${countOf(copied.files, "blob")} (${formatBytes(copied.bytes)}), ${countOf(links, "link")}`,
    `  there already: ${countOf(tags.same, "tag")}, ${countOf(manifests.same, "manifest")}`,
  ];
  if (overwritten.length > 0) {
    lines.push(`${dryRun ? "would point elsewhere" : "point elsewhere now"} than before:`);
    lines.push(...renderTags(overwritten, tags.overwritten));
  }
  if (kept.length > 0) {
    lines.push("stay as they are, though they point elsewhere than in the snapshot:");
    lines.push(...renderTags(kept, tags.kept));
  }
  if (damaged.length > 0) lines.push("damaged in the backup:");
  for (const { digest, detail } of damaged.slice(0, SHOWN)) lines.push(`  ${digest}: ${detail}`);
  if (lacking.length > 0) {
    lines.push(`${dryRun ? "would not be restored" : "not restored"}, for want of blobs:`);
  }
  for (const { repository, tags: names, digest, lacks } of lacking.slice(0, SHOWN)) {
    const what =
      names.length === 0 ? `${repository}@${digest}` : names.map((tag) => `${repository}:${tag}`).join(", ");
    lines.push(`  ${what} lacks ${lacks}`);
  }
  if (lacking.length > SHOWN) lines.push(`  and ${manifests.lacking - SHOWN} more (--json shows a thousand)`);
  return printable(lines.join("\n"));
}

/** @returns a line for each of the first tags, with where they point to */
export function renderTags(tags: readonly DifferingTag[], count: number): string[] {
  const lines = tags
    .slice(0, SHOWN)
    .map(
      ({ repository, tag, before, after }) => `  ${repository}:${tag}  ${before || "unreadable"} -> ${after}`,
    );
  return count > SHOWN ? [...lines, `  and ${count - SHOWN} more`] : lines;
}
