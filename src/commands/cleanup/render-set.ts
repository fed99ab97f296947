import type { PolicyDifference } from "../../client/gitlab/policy-change.ts";
import { countOf } from "../../lib/count-of.ts";
import { printableLine } from "../../lib/printable.ts";
import type { PlannedPolicy } from "../../operations/cleanup/gitlab/set-policies.ts";
import type { SetReport } from "../../operations/cleanup/gitlab/set-report.ts";

/** Of projects with the same change more are not named. */
const MAX_NAMED = 20;

/** @returns what changes, each change once with the projects that it is for */
export function renderPlannedPolicies(changes: readonly PlannedPolicy[]): string {
  const alike = new Map<string, string[]>();
  for (const planned of changes) {
    const text = renderChange(planned);
    alike.set(text, [...(alike.get(text) ?? []), planned.project]);
  }
  const blocks = [...alike].map(([text, projects]) => {
    const named = projects.slice(0, MAX_NAMED).map(printableLine);
    const more = projects.length > MAX_NAMED ? [`and ${projects.length - MAX_NAMED} more`] : [];
    return [...named, ...more, text].join("\n");
  });
  return blocks.join("\n\n");
}

function renderChange({ isNew, differences }: PlannedPolicy): string {
  const lines = differences.map(({ name, before, after }) =>
    isNew ? `  ${name}: ${show(after)}` : `  ${name}: ${show(before)} -> ${show(after)}`,
  );
  return isNew
    ? ["  has no policy yet: what is not said gets GitLab's defaults", ...lines].join("\n")
    : lines.join("\n");
}

function show(value: PolicyDifference["before"]): string {
  if (value === null || value === undefined || value === "") return "none";
  if (typeof value === "boolean") return value ? "yes" : "no";
  return printableLine(String(value));
}

/** @returns what was changed or would be, and the amounts last */
export function renderSet(report: SetReport): string {
  const { dryRun, changed, unchanged, skipped, failed, left } = report;
  const lines = dryRun && changed.length > 0 ? [renderPlannedPolicies(changed), ""] : [];
  for (const [reason, count] of countBy(skipped.map(({ reason }) => reason))) {
    lines.push(`left out: ${countOf(count, "project")}: ${reason}`);
  }
  if (unchanged.length > 0) lines.push(`as it should be already: ${countOf(unchanged.length, "project")}`);
  if (failed.length > 0) lines.push(`failed: ${countOf(failed.length, "project")}`);
  if (left.length > 0) lines.push(`not tried after that: ${countOf(left.length, "project")}`);
  const amount = countOf(changed.length, "project");
  if (dryRun) lines.push(`would change: ${amount}`, "nothing was changed (dry run)");
  else lines.push(`changed: ${amount}`);
  return lines.join("\n");
}

function countBy(texts: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const text of texts) counts.set(text, (counts.get(text) ?? 0) + 1);
  return counts;
}
