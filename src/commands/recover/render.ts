import { printableLine } from "../../lib/printable.ts";
import type { RecoveredDuty, RecoverReport } from "../../operations/service/recover-registry.ts";

/** @returns what was brought back, a paragraph for each, for people */
export function renderRecover({ duties, dryRun }: RecoverReport): string {
  if (duties.length === 0) return "nothing was left half done";
  const lines = duties.flatMap((duty) => renderDuty(duty).map(printableLine));
  if (dryRun) lines.push("nothing was changed (dry run)");
  return lines.join("\n");
}

function renderDuty(duty: RecoveredDuty): string[] {
  const { what, store, reason, by, madeAt, outcome, message } = duty;
  const since = `${madeAt.slice(0, 19)}Z`;
  return [
    `${outcome}: ${message ?? explain(duty)}`,
    `  ${what}, for ${reason}, by ${by} at ${since}; store ${store}`,
  ];
}

function explain({ outcome, until }: RecoveredDuty): string {
  switch (outcome) {
    case "kept":
      return until === undefined ? "it is not over yet" : `it lasts until ${until.slice(0, 19)}Z`;
    case "unknown":
      return "it belongs to a process that cannot be seen from here; if that has ended, give --force";
    default:
      return "it is over, and nobody has brought it back";
  }
}
