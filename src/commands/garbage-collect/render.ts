import { formatBytes } from "../../lib/units.ts";
import type { GarbageProgress } from "../../operations/gc/garbage-options.ts";
import type { GarbageReport } from "../../operations/gc/garbage-report.ts";
import type { Amounts } from "../../registry/plan/amounts.ts";
import type { CollectionPlan } from "../../registry/plan/collection-plan.ts";

/** @returns the last lines of a run */
export function renderReport(report: GarbageReport): string {
  const { dryRun, marked, eligible, deleted, seconds } = report;
  const lines = [`kept: ${count(marked.blobs, "blob")}, ${formatBytes(marked.bytes)}`];
  if (dryRun) lines.push(`would delete: ${renderAmounts(eligible)}`, "nothing was changed (dry run)");
  else lines.push(`deleted: ${renderAmounts(deleted)} in ${seconds.toFixed(1)} s`);
  return lines.join("\n");
}

/** @returns what is asked before the sweep */
export function renderQuestion(plan: CollectionPlan): string {
  return `Delete ${renderAmounts(plan.eligible)}?`;
}

/** @returns one line for the progress display */
export function renderProgress(event: GarbageProgress): string {
  if (event.step === "sweep") {
    const share = event.total === 0 ? 100 : Math.floor((event.done * 100) / event.total);
    return `deleting ${event.phase}: ${event.done} of ${event.total} (${share}%); safe to stop`;
  }
  if (event.step === "verify") return `verifying: ${event.progress.phase}: ${event.progress.done}`;
  const { phase, repositories, manifests, blobs } = event.progress;
  return phase === "repositories"
    ? `reading repositories: ${count(repositories, "repository", "repositories")}, ${count(manifests, "manifest")}; safe to stop`
    : `listing blobs: ${blobs}; safe to stop`;
}

function renderAmounts({ blobs, bytes, manifests, layerLinks, tagHistoryLinks }: Amounts): string {
  return [
    `${count(blobs, "blob")} (${formatBytes(bytes)})`,
    count(manifests, "manifest"),
    count(layerLinks, "layer link"),
    count(tagHistoryLinks, "tag-history link"),
  ].join(", ");
}

function count(number: number, one: string, many = `${one}s`): string {
  return `${number} ${number === 1 ? one : many}`;
}
