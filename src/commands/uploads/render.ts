import { countOf } from "../../lib/count-of.ts";
import { printableLine } from "../../lib/printable.ts";
import { formatBytes } from "../../lib/units.ts";
import type { UploadsReport } from "../../operations/uploads/list-uploads.ts";
import type { PurgeReport, ReportedUpload } from "../../operations/uploads/purge-report.ts";
import type { PurgeProgress } from "../../registry/uploads/purge-uploads.ts";
import { renderRequests } from "../../ui/render-requests.ts";
import { renderTable } from "../../ui/table.ts";

/** @returns one line for a progress display */
export function renderPurgeProgress(progress: PurgeProgress): string {
  if (progress.phase === "looking") return `looking for uploads: ${progress.found}; safe to stop`;
  return `looking at old uploads: ${progress.done} of ${progress.total}; safe to stop`;
}

/** @returns what was deleted or would be, one upload a line, and the amounts last */
export function renderPurge(report: PurgeReport): string {
  const { dryRun, found, kept, purged, purgedBytes, requests, seconds } = report;
  if (found === undefined) return "";
  const lines = purged.length === 0 ? [] : [renderRows(purged), ""];
  if (kept > 0) lines.push(`kept: ${countOf(kept, "upload")}, younger or in use`);
  if (requests) lines.push(renderRequests(requests));
  const amount = `${countOf(purged.length, "upload")} (${formatBytes(purgedBytes)})`;
  if (dryRun) lines.push(`would delete: ${amount}`, "nothing was changed (dry run)");
  else lines.push(`deleted: ${amount} in ${seconds.toFixed(1)} s`);
  return lines.join("\n");
}

/** @returns all uploads, one a line, and the amounts last */
export function renderUploads({ uploads, bytes, strays }: UploadsReport): string {
  const lines = uploads.length === 0 ? [] : [renderRows(uploads), ""];
  if (strays.count > 0) {
    lines.push(
      `${strays.count} things among uploads are none, such as ${strays.first.map(printableLine).join(", ")}`,
    );
  }
  lines.push(`${countOf(uploads.length, "upload")}, ${formatBytes(bytes)}`);
  return lines.join("\n");
}

const HEADINGS = ["REPOSITORY", "UPLOAD", "STARTED", "LAST WRITTEN", "SIZE"];

function renderRows(uploads: readonly ReportedUpload[]): string {
  const rows = uploads.map(({ repository, upload, path, startedAt, lastWrittenAt, bytes }) => [
    printableLine(repository ?? path),
    upload ?? "parts without an upload",
    startedAt ?? "",
    lastWrittenAt,
    formatBytes(bytes),
  ]);
  return renderTable(HEADINGS, rows, [HEADINGS.length - 1]);
}
