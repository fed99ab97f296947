import type { UsageReport, UsageRow } from "../../operations/usage/usage-report.ts";
import { renderCsv } from "../../ui/csv.ts";
import { columnsOf } from "./columns.ts";

/** Columns of CSV beside those of tables. */
const MARKS = ["projectId", "creatorId", "digest", "guessed", "parked", "damaged"] as const;

/** As GitLab's snippet names the columns. */
const GITLAB_HEAD = ["project_id", "creator_id", "registry_size_bytes", "project path"];

/** @returns all rows and the orphans, with whole bytes */
export function renderUsageCsv({ by, rows, orphans }: UsageReport): string {
  const keys: (keyof UsageRow)[] = [...columnsOf(by).map(({ key }) => key), ...marksOf(by)];
  const rest: UsageRow = {
    ...{ name: "(orphans)", sizeBytes: orphans.sizeBytes, untaggedBytes: orphans.freeableBytes },
    blobs: orphans.blobs,
  };
  return renderCsv([keys, ...[...rows, rest].map((row) => keys.map((key) => textOf(row[key])))]);
}

/**
 * @returns what GitLab's console snippet prints: projects of size 0 are left out
 * @see https://docs.gitlab.com/administration/packages/container_registry/ (Registry disk space usage by project)
 */
export function renderGitLabCsv({ rows }: UsageReport): string {
  const lines = rows
    .filter(({ gitlabBytes = 0 }) => gitlabBytes > 0)
    .map(({ projectId, creatorId, gitlabBytes, name }) => [
      textOf(projectId),
      textOf(creatorId),
      textOf(gitlabBytes),
      name,
    ]);
  return renderCsv([GITLAB_HEAD, ...lines]);
}

function marksOf(by: UsageReport["by"]): readonly (keyof UsageRow)[] {
  if (by === "project") return MARKS.filter((key) => key !== "digest");
  if (by === "repository") return ["parked", "damaged"];
  return by === "tag" ? ["digest", "parked", "damaged"] : [];
}

function textOf(value: string | number | true | undefined): string {
  return value === undefined ? "" : String(value);
}
