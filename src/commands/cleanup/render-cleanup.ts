import { countOf } from "../../lib/count-of.ts";
import type {
  CleanupReport,
  ProjectReport,
  RepositoryReport,
} from "../../operations/cleanup/cleanup-report.ts";
import type { CleanupProgress } from "../../operations/cleanup/run-cleanup.ts";
import { renderTable } from "../../ui/table.ts";

/** Characters of a digest that are enough to tell it from others. */
const SHORT_DIGEST_CHARS = "sha256:".length + 12;

/** @returns one line for a progress display */
export function renderCleanupProgress({ repositories, done, deleted }: CleanupProgress): string {
  return `repositories: ${done} of ${repositories}, deleted: ${countOf(deleted, "tag")}; safe to stop`;
}

/** @returns the tags that were deleted or would be, what became of each repository, and the amounts last */
export function renderCleanup(report: CleanupReport): string {
  const blocks = [
    report.dryRun ? renderTags(report) : "",
    renderRepositories(report),
    renderProjects(report.projects),
    renderAmounts(report),
  ];
  return blocks.filter((block) => block !== "").join("\n\n");
}

function renderTags({ repositories }: CleanupReport): string {
  const rows = repositories.flatMap(({ repository, deleted }) =>
    deleted.map(({ tag, digest, createdAt }) => [
      `${repository}:${tag}`,
      createdAt ?? "",
      digest.slice(0, SHORT_DIGEST_CHARS),
    ]),
  );
  return rows.length === 0 ? "" : renderTable(["WOULD BE DELETED", "CREATED", "DIGEST"], rows);
}

function renderRepositories({ repositories, dryRun }: CleanupReport): string {
  const rows = repositories
    .filter(({ tags, problem }) => tags > 0 || problem !== undefined)
    .map((each) => [each.repository, String(each.tags), String(each.deleted.length), restOf(each)]);
  if (rows.length === 0) return "";
  return renderTable(["REPOSITORY", "TAGS", dryRun ? "WOULD GO" : "DELETED", "STAY"], rows, [1, 2]);
}

function restOf({ kept, notDeleted, problem }: RepositoryReport): string {
  if (problem !== undefined) return "all: see above";
  const parts = Object.entries(kept).map(([step, count]) => `${count} ${step}`);
  const reasons = new Map<string, number>();
  for (const { why } of notDeleted) reasons.set(why, (reasons.get(why) ?? 0) + 1);
  for (const [why, count] of reasons) parts.push(`${count} ${why}`);
  return parts.join(", ");
}

function renderProjects(projects: readonly ProjectReport[]): string {
  const lines = projects.flatMap(({ project, state, nextRunAt }) => {
    if (state === "done") return [];
    const next = nextRunAt === undefined ? "" : `: next on ${nextRunAt}`;
    return [`${project}: ${state}${state === "unfinished" ? ", the next run goes on" : next}`];
  });
  return lines.join("\n");
}

function renderAmounts({
  dryRun,
  asOf,
  deleted,
  failed,
  withoutPolicy,
  repositories,
  seconds,
}: CleanupReport): string {
  const lines: string[] = [];
  const places = repositories.length === 1 ? "1 repository" : `${repositories.length} repositories`;
  if (withoutPolicy > 0)
    lines.push(`without a policy: ${withoutPolicy === 1 ? "1 repository" : `${withoutPolicy} repositories`}`);
  if (failed > 0) lines.push(`failed: ${failed}`);
  const amount = `${countOf(deleted, "tag")} of ${places}`;
  if (!dryRun) lines.push(`deleted: ${amount} in ${seconds.toFixed(1)} s`);
  else {
    lines.push(`would delete: ${amount}`);
    lines.push(
      asOf === undefined ? "nothing was changed (dry run)" : `tried on ${asOf}: nothing was changed`,
    );
  }
  return lines.join("\n");
}
