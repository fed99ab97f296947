import { messageOf } from "../../lib/message-of.ts";
import type { SweepResult } from "../../registry/apply/sweep-result.ts";
import { noAmounts } from "../../registry/plan/amounts.ts";
import type { CollectionPlan } from "../../registry/plan/collection-plan.ts";
import type { GarbageReport } from "./garbage-report.ts";

/** What a report is made of. What was not reached is left out. */
export interface ReportParts
  extends Pick<GarbageReport, "dryRun" | "startedAt" | "warnings" | "seconds" | "phaseSeconds"> {
  plan: CollectionPlan | undefined;
  result: SweepResult | undefined;
  stopped: GarbageReport["stopped"];
  verified: GarbageReport["verified"];
  versions: GarbageReport["versions"];
  requests: GarbageReport["requests"];
  journal: string | undefined;
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
