import { countOf } from "../../lib/count-of.ts";
import { printableLine } from "../../lib/printable.ts";
import type { MoveProgress } from "../../operations/move/move-options.ts";
import type { MoveAmounts, MoveReport } from "../../operations/move/move-report.ts";
import type { ParkedMove } from "../../operations/move/parked-moves.ts";
import type { PlannedRepository } from "../../operations/move/plan-move.ts";
import { originOfParked } from "../../registry/parked.ts";
import { commandOf } from "../../state/move-record.ts";
import { renderRequests } from "../../ui/render-requests.ts";
import { renderTable } from "../../ui/table.ts";

/** @returns one line for a progress display */
export function renderMoveProgress({ done, total }: MoveProgress): string {
  return `moving: ${done} of ${countRepositories(total)}; safe to stop`;
}

/** @returns the amounts in one line */
export function renderMoveAmounts({ repositories, tags, manifests, blobs }: MoveAmounts): string {
  return [
    countRepositories(repositories),
    countOf(tags, "tag"),
    countOf(manifests, "manifest"),
    `${countOf(blobs, "link")} of blobs`,
  ].join(", ");
}

/** @returns what was moved or would be, one repository a line, and the amounts last */
export function renderMove(report: MoveReport): string {
  const { dryRun, repositories, amounts, uploads, requests, seconds, kind, conflicts } = report;
  const lines = repositories.length === 0 ? [] : [renderRepositories(repositories), ""];
  for (const { from, to, tag, fromDigest, toDigest } of conflicts) {
    lines.push(`in the way: ${to}:${tag} is ${toDigest}, and ${from}:${tag} is ${fromDigest}`);
  }
  if (uploads > 0) lines.push(`left under the old name: ${countOf(uploads, "unfinished upload")}`);
  if (requests) lines.push(renderRequests(requests));
  if (dryRun) {
    lines.push(`would move: ${renderMoveAmounts(amounts)}; no blob is read or copied`);
    lines.push("nothing was changed (dry run)");
    return lines.join("\n");
  }
  const what = kind === "hold" ? "parked" : "moved";
  lines.push(`${what}: ${renderMoveAmounts(amounts)} in ${seconds.toFixed(1)} s; no blob was read or copied`);
  if (kind === "hold") lines.push(`put them under their new name with: ${finishing(report)}`);
  else if (kind !== "back")
    lines.push("what names the old repository elsewhere was not changed, as in GitLab's database");
  return lines.join("\n");
}

function finishing({ old, new: target }: MoveReport): string {
  return `registry-ctl move --finish ${old} ${target ?? "NEW"}`;
}

const HEADINGS = ["REPOSITORY", "NEW NAME", "TAGS", "MANIFESTS", "BLOBS", ""];

function renderRepositories(repositories: readonly PlannedRepository[]): string {
  const rows = repositories.map(({ from, to, tags, manifests, blobs, exists }) => [
    printableLine(originOfParked(from) ?? from),
    originOfParked(to) === undefined ? printableLine(to) : "(parked)",
    `${tags}`,
    `${manifests}`,
    `${blobs}`,
    exists ? "is there already" : "",
  ]);
  return renderTable(HEADINGS, rows, [2, 3, 4]);
}

/** @returns what is parked, and what was not finished */
export function renderParked(moves: readonly ParkedMove[]): string {
  if (moves.length === 0) return "nothing is parked, and no move is unfinished";
  return moves
    .map(({ record, repositories, isUnknown }) => {
      const count = countRepositories(repositories.length);
      const to = record.new === undefined ? "" : `, to become ${record.new}`;
      if (record.phase === "moving") {
        return `${record.old}${to}: not finished, begun ${record.startedAt} on ${record.host}; do the rest with: ${commandOf(record)}`;
      }
      const since = isUnknown ? "nothing is remembered of it here" : `since ${record.changedAt}`;
      const finish = `registry-ctl move --finish ${record.old} ${record.new ?? "NEW"}`;
      return `${record.old}${to}: ${count} parked, ${since}\n  put under the new name with: ${finish}\n  put back with: registry-ctl move --finish --back ${record.old}`;
    })
    .map((text) => text.split("\n").map(printableLine).join("\n"))
    .join("\n");
}

function countRepositories(count: number): string {
  return `${count} ${count === 1 ? "repository" : "repositories"}`;
}
