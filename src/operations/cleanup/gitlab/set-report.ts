import type { GitLabPolicy } from "../../../client/gitlab/gitlab-project.ts";
import type { AppliedPolicies, PlannedPolicy, PolicyPlan } from "./set-policies.ts";

/** The result of `cleanup set`; what `--json` prints. */
export interface SetReport {
  schemaVersion: 1;
  command: "cleanup set";
  /** Its address. */
  gitlab: string;
  dryRun: boolean;
  /** What was changed, or in a dry run what would be; `policy` is what GitLab has now. */
  changed: (PlannedPolicy & { policy?: GitLabPolicy | undefined })[];
  unchanged: string[];
  skipped: PolicyPlan["skipped"];
  failed: AppliedPolicies["failed"];
  /** Projects that were not reached, since others would have fared no better than the last that failed. */
  left: string[];
  warnings: string[];
}

/** @returns the report of a dry run, or of a plan of which `applied` has been done */
export function setReport(
  plan: PolicyPlan,
  applied: AppliedPolicies | undefined,
  { gitlab, warnings }: { gitlab: string; warnings: string[] },
): SetReport {
  const { changes, unchanged, skipped } = plan;
  return {
    ...{ schemaVersion: 1, command: "cleanup set", gitlab, dryRun: applied === undefined },
    ...{ changed: applied?.changed ?? changes, unchanged, skipped },
    ...{ failed: applied?.failed ?? [], left: applied?.left ?? [], warnings },
  };
}
