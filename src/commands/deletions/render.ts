import { countOf } from "../../lib/count-of.ts";
import { printableLine } from "../../lib/printable.ts";
import type { ListedDeletions } from "../../operations/deletions/list-deletions.ts";
import type { RetryReport } from "../../operations/deletions/retry-deletions.ts";
import type { DeletionRecord } from "../../state/deletion-record.ts";
import { renderTable } from "../../ui/table.ts";

/** `sha256:` and as much of the rest as tells digests apart. */
const SHORT_DIGEST_CHARS = 19;

/** @returns what could not be deleted, one a line, and how much it is last */
export function renderDeletions({ deletions, repositories }: ListedDeletions): string {
  if (deletions.length === 0) return "nothing: no deletion has failed";
  const failed = repositories.reduce((sum, each) => sum + each.failed, 0);
  const amounts = `${failed} delete_failed, ${deletions.length - failed} delete_scheduled`;
  return `${renderRows(deletions)}\n\n${amounts}, in ${countOfRepositories(repositories.length)}`;
}

/** @returns what is set back, or was tried at once */
export function renderRetry(report: RetryReport): string {
  const { dryRun, now, scheduled, deleted, gone, moved, failed } = report;
  if (scheduled.length === 0) return "nothing: no such deletion has failed";
  const amount = countOf(scheduled.length, "deletion");
  const rows = `${renderRows(scheduled)}\n\n`;
  const spared = report.protected > 0 ? [`left, as they are protected: ${report.protected}`] : [];
  if (dryRun) {
    const tried = countOf(scheduled.length - report.protected, "deletion");
    const lines = [...spared, `would try again: ${tried}${now ? ", now" : ""}`];
    return `${rows}${lines.join("\n")}\nnothing was changed (dry run)`;
  }
  if (!now) return `${rows}set back to delete_scheduled: ${amount}; the next run of the repository does them`;
  const lines = [`deleted: ${countOf(deleted, "tag")}`, ...spared];
  if (gone > 0) lines.push(`gone already: ${gone}`);
  if (moved > 0) lines.push(`left, as they point elsewhere by now: ${moved}`);
  if (failed > 0) lines.push(`failed again: ${failed}`);
  return lines.join("\n");
}

const HEADINGS = ["REPOSITORY", "TAG", "STATE", "ATTEMPTS", "LAST TRIED", "DIGEST", "REASON"];

function renderRows(records: readonly DeletionRecord[]): string {
  const rows = records.map(({ repository, name, state, attempts, at, digest, reason }) => [
    printableLine(repository),
    printableLine(name),
    state,
    String(attempts),
    at,
    digest?.slice(0, SHORT_DIGEST_CHARS) ?? "",
    printableLine(reason),
  ]);
  return renderTable(HEADINGS, rows, [3]);
}

function countOfRepositories(number: number): string {
  return number === 1 ? "1 repository" : `${number} repositories`;
}
