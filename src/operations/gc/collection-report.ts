import { CancelledError } from "../../errors.ts";
import { messageOf } from "../../lib/message-of.ts";
import { formatBytes } from "../../lib/units.ts";
import type { SweepResult } from "../../registry/apply/sweep-result.ts";
import { type Amounts, noAmounts } from "../../registry/plan/amounts.ts";
import type { CollectionPlan } from "../../registry/plan/collection-plan.ts";
import type { GarbageReport } from "./garbage-report.ts";

/** What a report is made of. What was not reached is left out. */
export interface ReportParts
  extends Pick<GarbageReport, "dryRun" | "startedAt" | "warnings" | "seconds" | "phaseSeconds"> {
  plan: CollectionPlan | undefined;
  result: SweepResult | undefined;
  /** A server took writes meanwhile. */
  isGated?: boolean;
  stopped: GarbageReport["stopped"];
  verified: GarbageReport["verified"];
  versions: GarbageReport["versions"];
  requests: GarbageReport["requests"];
  journal: string | undefined;
}

/** @returns for the report, a plan that goes on with an earlier one of which some is done */
export function continuedPlan(
  earlier: CollectionPlan,
  plan: CollectionPlan,
  deleted: Amounts,
): CollectionPlan {
  const { eligible } = plan;
  return {
    ...plan,
    found: earlier.found,
    eligible: {
      blobs: eligible.blobs + deleted.blobs,
      bytes: eligible.bytes + deleted.bytes,
      manifests: eligible.manifests + deleted.manifests,
      layerLinks: eligible.layerLinks + deleted.layerLinks,
      tagHistoryLinks: eligible.tagHistoryLinks + deleted.tagHistoryLinks,
    },
  };
}

/** @returns the error of a run that was stopped, with what it had done; `result` is undefined before the sweep */
export function cancelledWith(
  cause: CancelledError,
  result: Pick<SweepResult, "deleted"> | undefined,
): CancelledError {
  if (!result) return new CancelledError("stopped before anything was deleted", { cause });
  const { manifests, layerLinks, blobs, bytes, tagHistoryLinks } = result.deleted;
  return new CancelledError(
    `stopped after deleting ${manifests} manifests, ${layerLinks} layer links and ${blobs} blobs (${formatBytes(bytes)}), and ${tagHistoryLinks} tag-history links`,
    { hint: "nothing is half done; run the command again to finish", cause },
  );
}

/** @returns the report of a run that has done nothing, for a reason */
export function emptyReport(reason: string, startedAt = new Date().toISOString()): GarbageReport {
  return collectionReport({
    ...{
      dryRun: false,
      startedAt,
      warnings: [reason],
      seconds: 0,
      phaseSeconds: { plan: 0, sweep: 0, verify: 0 },
    },
    ...{ plan: undefined, result: undefined, stopped: undefined, verified: undefined, versions: undefined },
    ...{ requests: undefined, journal: undefined },
  });
}

/** Puts together the report of a collection. */
export function collectionReport(parts: ReportParts): GarbageReport {
  const { plan, result, stopped, verified, versions, requests, journal } = parts;
  const failures = (plan?.failures ?? []).map(({ path, error }) => ({
    path,
    error: messageOf(error),
  }));
  return {
    schemaVersion: 1,
    command: "garbage-collect",
    dryRun: parts.dryRun,
    startedAt: parts.startedAt,
    ...(plan && { found: plan.found }),
    marked: plan?.marked ?? { blobs: 0, bytes: 0 },
    eligible: plan?.eligible ?? noAmounts(),
    deleted: result?.deleted ?? noAmounts(),
    ...(parts.isGated && result && { spared: result.kept }),
    warnings: parts.warnings,
    failed: [...failures, ...(result?.failed ?? [])],
    ...(stopped && { stopped }),
    ...(verified && { verified }),
    ...(plan && plan.folderMarkers.count > 0 && { folderMarkers: plan.folderMarkers }),
    ...(versions && { versions }),
    ...(requests && { requests }),
    seconds: parts.seconds,
    phaseSeconds: parts.phaseSeconds,
    ...(journal !== undefined && { journal }),
  };
}
