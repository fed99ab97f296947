import { formatBytes } from "../../lib/units.ts";
import type { GarbageReport, VerifyOutcome } from "../../operations/gc/garbage-report.ts";
import type { PlannedStopKind } from "../../operations/gc/planned-stop.ts";
import { describeVersions } from "../../operations/gc/store-facts.ts";
import type { Amounts } from "../../registry/plan/amounts.ts";
import type { CollectionPlan } from "../../registry/plan/collection-plan.ts";
import { renderRequests } from "../../ui/render-requests.ts";

/** @returns the last lines of a run */
export function renderReport(report: GarbageReport): string {
  const { dryRun, found, marked, eligible, deleted, seconds, stopped, verified, spared } = report;
  const lines: string[] = [];
  if (found || !stopped) {
    lines.push(`kept: ${count(marked.blobs, "blob")}, ${formatBytes(marked.bytes)}`);
    if (dryRun) lines.push(`would delete: ${renderAmounts(eligible)}`, "nothing was changed (dry run)");
    else lines.push(`deleted: ${renderAmounts(deleted)} in ${seconds.toFixed(1)} s`);
    if (spared)
      lines.push(
        `for a later run: ${count(spared, "file")} that clients lately relied on, or what these need`,
      );
  }
  lines.push(...renderStore(report));
  if (verified) lines.push(...renderVerified(verified));
  if (stopped) lines.push(...renderStopped(report, stopped));
  return lines.join("\n");
}

/** @returns what is asked before the sweep */
export function renderQuestion(plan: CollectionPlan): string {
  return `Delete ${renderAmounts(plan.eligible)}?`;
}

/** @returns how much of each kind, for people */
export function renderAmounts({ blobs, bytes, manifests, layerLinks, tagHistoryLinks }: Amounts): string {
  return [
    `${count(blobs, "blob")} (${formatBytes(bytes)})`,
    count(manifests, "manifest"),
    count(layerLinks, "layer link"),
    count(tagHistoryLinks, "tag-history link"),
  ].join(", ");
}

const WHY_STOPPED: Readonly<Record<PlannedStopKind, string>> = {
  until: "stopped, as its time was up",
  stop: "stopped, as somebody asked for it",
  server: "stopped, as the server could not go on with it",
};

function renderStopped(
  { dryRun, found, eligible, deleted }: GarbageReport,
  { kind, phase }: { kind: PlannedStopKind; phase: string },
): string[] {
  const why = WHY_STOPPED[kind];
  if (!found) return [`${why}, while it was planning: nothing was deleted; the next run begins anew`];
  if (dryRun || phase === "verify") return [`${why}, in the phase: ${phase}`];
  const left: Amounts = {
    blobs: eligible.blobs - deleted.blobs,
    bytes: eligible.bytes - deleted.bytes,
    manifests: eligible.manifests - deleted.manifests,
    layerLinks: eligible.layerLinks - deleted.layerLinks,
    tagHistoryLinks: eligible.tagHistoryLinks - deleted.tagHistoryLinks,
  };
  return [`${why}; left for the next run: ${renderAmounts(left)}`];
}

/** What only object stores have. */
function* renderStore({ folderMarkers, versions, requests }: GarbageReport): Generator<string> {
  if (folderMarkers) {
    const { count: markers, first } = folderMarkers;
    yield `not touched: ${count(markers, "key")} that ${markers === 1 ? "stands" : "stand"} for folders, such as ${first[0]}`;
  }
  if (versions?.versioning === "unknown") {
    yield `whether the store keeps older versions is not known: ${versions.problem}`;
  } else if (versions?.expire && versions.noncurrent && versions.noncurrent.files > 0) {
    yield `kept for a while: ${describeVersions(versions.noncurrent)}; a lifecycle rule of the bucket removes them`;
  }
  if (requests) yield renderRequests(requests);
}

function renderVerified({ complete, problems, lines }: VerifyOutcome): string[] {
  if (complete) return ["verified: every tag, platform and referrer is complete"];
  return [`NOT complete: ${count(problems, "problem")}`, ...lines.map((line) => `  ${line}`)];
}

function count(number: number, one: string, many = `${one}s`): string {
  return `${number} ${number === 1 ? one : many}`;
}
