import type { GitLabPolicy } from "../../client/gitlab/gitlab-project.ts";
import { countOf } from "../../lib/count-of.ts";
import { printableLine } from "../../lib/printable.ts";
import type { ListedProject, ListReport } from "../../operations/cleanup/list/list-report.ts";
import { renderTable } from "../../ui/table.ts";

const HEADINGS = ["PROJECT", "REPOSITORIES", "POLICY", "NEXT RUN", "DELETES", "KEEPS"];

/** @returns a project a line, and the amounts last */
export function renderList({ projects, total, withoutPolicy }: ListReport): string {
  const lines = projects.length === 0 ? [] : [renderTable(HEADINGS, projects.map(rowOf), [1]), ""];
  if (projects.some(({ isGuess }) => isGuess)) {
    lines.push(
      "?: nobody says which part of the names is the project; it is taken for the first two components",
    );
  }
  lines.push(
    `${countOf(total, "project")} with repositories, ${withoutPolicy} without a policy that is enabled`,
  );
  return lines.join("\n");
}

function rowOf({ project, isGuess, repositories, policy }: ListedProject): string[] {
  return [
    `${printableLine(project)}${isGuess ? " ?" : ""}`,
    repositories === undefined ? "yes" : String(repositories),
    policy === null ? "none" : policy.enabled ? printableLine(policy.cadence) : "off",
    policy?.enabled ? printableLine(policy.nextRunAt ?? "") : "",
    ...(policy === null ? ["", ""] : [deletesOf(policy), keepsOf(policy)]),
  ];
}

function deletesOf({ nameRegexDelete, olderThan }: GitLabPolicy): string {
  if (!nameRegexDelete) return "nothing";
  return printableLine(olderThan ? `${nameRegexDelete} older than ${olderThan}` : nameRegexDelete);
}

function keepsOf({ nameRegexKeep, keepN }: GitLabPolicy): string {
  const newest = keepN ? [`newest ${keepN}`] : [];
  return printableLine([...newest, ...(nameRegexKeep ? [nameRegexKeep] : [])].join(", "));
}
