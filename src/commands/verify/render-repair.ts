import { countOf } from "../../lib/count-of.ts";
import { printable, printableLine } from "../../lib/printable.ts";
import { formatBytes } from "../../lib/units.ts";
import type { RepairProgress } from "../../operations/verify/repair/repair-options.ts";
import type { RepairReport, ReportedStep, StepCounts } from "../../operations/verify/repair/repair-report.ts";
import {
  REPAIR_KINDS,
  type RepairKind,
  type RepairPlan,
  type UnreadableTag,
} from "../../operations/verify/repair/repair-step.ts";
import { renderRequests } from "../../ui/render-requests.ts";
import { renderFindings } from "./render.ts";

/** So many of a kind are shown; `--json` has more. */
const SHOWN_OF_A_KIND = 20;

const DONE: Readonly<Record<RepairKind, string>> = {
  "fetch-blob": "fetched",
  "rewrite-link": "rewritten",
  "restore-link": "restored",
  "remove-link": "removed",
};
const PLANNED: Readonly<Record<RepairKind, string>> = {
  "fetch-blob": "fetch",
  "rewrite-link": "rewrite",
  "restore-link": "restore",
  "remove-link": "remove",
};
const NOUNS: Readonly<Record<RepairKind, string>> = {
  "fetch-blob": "blob",
  "rewrite-link": "link",
  "restore-link": "link",
  "remove-link": "link",
};

/** @returns what was done or would be, what stays as it is and why, and the verdict last */
export function renderRepair(report: RepairReport): string {
  const { dryRun, steps, left, leftCount, unreadableTags, found, requests, journal } = report;
  const lines: string[] = [];
  for (const kind of REPAIR_KINDS) lines.push(...renderSteps(kind, steps, report));
  for (const { message, hint } of left.slice(0, SHOWN_OF_A_KIND)) {
    lines.push(`stays: ${message}${hint === undefined ? "" : ` (${hint})`}`);
  }
  if (leftCount > SHOWN_OF_A_KIND) lines.push(`  … and ${leftCount - SHOWN_OF_A_KIND} more`);
  for (const tag of unreadableTags.slice(0, SHOWN_OF_A_KIND)) lines.push(...renderTag(tag));
  if (!dryRun) lines.push(...renderFindings(found.problems, found.counts, "still: "));
  for (const { path, error } of found.unchecked.slice(0, SHOWN_OF_A_KIND)) {
    lines.push(`not looked at: ${path}: ${error}`);
  }
  if (requests) lines.push(renderRequests(requests));
  if (journal !== undefined) lines.push(`journal: ${journal}`);
  lines.push(...verdict(report));
  return printable(lines.join("\n"));
}

function* renderSteps(
  kind: RepairKind,
  steps: readonly ReportedStep[],
  { dryRun, planned, done }: RepairReport,
): Generator<string> {
  const count = planned[kind] ?? 0;
  if (count === 0) return;
  const nouns = countOf(count, NOUNS[kind]);
  yield dryRun ? `would ${PLANNED[kind]} ${nouns}:` : `${DONE[kind]} ${done[kind] ?? 0} of ${nouns}:`;
  const some = steps.filter((step) => step.kind === kind);
  for (const { path, reason, bytes, outcome, why } of some.slice(0, SHOWN_OF_A_KIND)) {
    const size = bytes === undefined ? "" : ` (${formatBytes(bytes)})`;
    const what = why === undefined ? "" : `; ${outcome}: ${why}`;
    yield `  ${printableLine(path)}${size}: ${reason}${what}`;
  }
  if (count > SHOWN_OF_A_KIND) yield `  … and ${count - SHOWN_OF_A_KIND} more`;
}

/** A tag that is not guessed, with all that may tell somebody what it was. */
function* renderTag({ repository, tag, path, text, history, audit }: UnreadableTag): Generator<string> {
  const holds = text === "" ? "is empty" : `holds ${JSON.stringify(text)}`;
  yield `stays: tag ${repository}:${tag} is not guessed: its link ${path} ${holds}; push the tag again, or delete it`;
  for (const { digest, at, isStored } of history.slice(0, SHOWN_OF_A_KIND)) {
    yield `  it pointed to ${digest} since ${at}${isStored ? "" : ", which is not stored"} (tag history)`;
  }
  for (const { time, action, before, after, actor } of audit) {
    const who = actor === undefined ? "" : ` by ${actor}`;
    const from = before === undefined ? "" : ` from ${before}`;
    const to = after === undefined ? "" : ` to ${after}`;
    yield `  ${time} ${action}${from}${to}${who} (audit)`;
  }
}

function* verdict({ dryRun, planned, done, failures, bytes, found, steps }: RepairReport): Generator<string> {
  const amount = bytes === 0 ? "" : ` (${formatBytes(bytes)} ${dryRun ? "to fetch" : "fetched"})`;
  if (dryRun) {
    yield steps.length === 0 ? "nothing to repair" : `would do: ${renderStepCounts(planned)}${amount}`;
    yield "nothing was changed (dry run)";
    return;
  }
  if (steps.length > 0) yield `done: ${renderStepCounts(done)}${amount}`;
  if (failures > 0) yield `${countOf(failures, "step")} failed`;
  const { problemCount, uncheckedCount } = found;
  if (problemCount > 0) yield `${countOf(problemCount, "problem")} left`;
  else if (uncheckedCount > 0) yield "nothing wrong is left, but not everything could be looked at";
  else
    yield `nothing is wrong${steps.length > 0 ? " any more" : ""}: every tag, platform and referrer is complete`;
}

/** @returns how many steps of each kind, in one line */
export function renderStepCounts(counts: StepCounts): string {
  const parts = REPAIR_KINDS.flatMap((kind) => {
    const count = counts[kind] ?? 0;
    return count === 0 ? [] : [`${countOf(count, NOUNS[kind])} ${DONE[kind]}`];
  });
  return parts.length === 0 ? "nothing" : parts.join(", ");
}

/** @returns what is to be done, said before it is asked about */
export function renderPlanned({ steps, left, tags }: RepairPlan, round: number): string[] {
  const lines = round === 1 ? [] : ["what was repaired has shown more:"];
  for (const kind of REPAIR_KINDS) {
    const some = steps.filter((step) => step.kind === kind);
    if (some.length === 0) continue;
    const bytes = some.reduce(
      (sum, step) => sum + (step.kind === "fetch-blob" ? (step.sizeBytes ?? 0) : 0),
      0,
    );
    const size = bytes === 0 ? "" : ` (${formatBytes(bytes)})`;
    lines.push(`to ${PLANNED[kind]}: ${countOf(some.length, NOUNS[kind])}${size}, such as ${some[0]?.path}`);
  }
  const rest = left.length + tags.length;
  if (rest > 0) lines.push(`what stays as it is: ${rest}`);
  return lines;
}

/** @returns one line for a progress display */
export function renderRepairing({ done, total, bytes }: Extract<RepairProgress, { step: "repair" }>): string {
  const fetched = bytes === 0 ? "" : `, ${formatBytes(bytes)} fetched`;
  return `repairing: ${done} of ${countOf(total, "step")}${fetched}; safe to stop`;
}
