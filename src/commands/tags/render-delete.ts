import { countOf } from "../../lib/count-of.ts";
import type { KeptTag, PlannedTag, TagDeletionReport } from "../../operations/tags/delete-report.ts";
import { renderTable } from "../../ui/table.ts";

/** `sha256:` and twelve digits, as Docker shows digests. */
const SHORT_DIGEST_CHARS = 19;
/** So many names are told of what was asked for in vain. */
const NAMES_TOLD = 10;

/** @returns what is asked before tags go */
export function renderDeletionQuestion({ planned, repository, location, tags }: TagDeletionReport): string {
  return `Delete ${planned.length} of ${countOf(tags, "tag")} of ${repository} in ${location}?`;
}

/** @returns what was deleted, or would be: in a dry run tag by tag, and the amounts last */
export function renderDeletion(report: TagDeletionReport): string {
  const { dryRun, planned, deleted, kept, unknown, duplicates, moved, gone, failed, doubtful } = report;
  const lines = dryRun && planned.length > 0 ? [renderPlan(planned), ""] : [];
  for (const [reason, count] of reasonsOf(kept)) lines.push(`kept: ${countOf(count, "tag")}: ${reason}`);
  const open = doubtful.length + moved.length;
  if (open > 0) lines.push(`kept: ${countOf(open, "tag")}, told above`);
  if (unknown.length > 0) lines.push(`not there: ${namesOf(unknown)}`);
  if (duplicates.length > 0) lines.push(`named more than once: ${namesOf(duplicates)}`);
  if (gone.length > 0) lines.push(`gone before they were deleted: ${namesOf(gone)}`);
  if (failed.length > 0) lines.push(`failed: ${countOf(failed.length, "tag")}`);
  lines.push(...renderManifests(report));
  if (dryRun) {
    lines.push(`would delete: ${countOf(planned.length, "tag")}`, "nothing was changed (dry run)");
  } else lines.push(`deleted: ${countOf(deleted, "tag")} in ${report.seconds.toFixed(1)} s`);
  return lines.join("\n");
}

function renderPlan(planned: readonly PlannedTag[]): string {
  const rows = planned.map(({ name, digest = "broken link", siblings, firstSiblings }) => {
    const more = siblings - firstSiblings.length;
    return [
      name,
      digest.slice(0, SHORT_DIGEST_CHARS),
      firstSiblings.join(" ") + (more > 0 ? ` and ${more} more` : ""),
    ];
  });
  return renderTable(["TAG", "DIGEST", "STAYS TAGGED AS"], rows);
}

function renderManifests({ dryRun, planned, untaggedManifests }: TagDeletionReport): string[] {
  const lines: string[] = [];
  const tagged = planned.filter(({ siblings }) => siblings > 0).length;
  if (tagged > 0) lines.push(`other tags stay on the digests of ${countOf(tagged, "tag")}`);
  if (untaggedManifests > 0) {
    const verb = dryRun ? "would have" : untaggedManifests === 1 ? "has" : "have";
    lines.push(
      `${countOf(untaggedManifests, "manifest")} ${verb} no tag any more: garbage-collect -m removes what nothing else needs`,
    );
  }
  return lines;
}

function reasonsOf(kept: readonly KeptTag[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { reason } of kept) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  return counts;
}

function namesOf(names: readonly string[]): string {
  const more = names.length - NAMES_TOLD;
  return names.slice(0, NAMES_TOLD).join(", ") + (more > 0 ? ` and ${more} more` : "");
}
