import type { GitLabPolicy } from "../../../client/gitlab/gitlab-project.ts";

/** Of a repository's name, taken for its project where nobody says: a group or user, and the project. */
export const GUESSED_SEGMENTS = 2;

/** A project that uses the registry. */
export interface ListedProject {
  /** Its path, as GitLab writes it where GitLab is asked. */
  project: string;
  /** GitLab's. */
  id?: number;
  /** Nobody says which part of its repositories' names is the project. */
  isGuess: boolean;
  /** How many it has; left out where GitLab was asked who uses the registry. */
  repositories?: number;
  /** Null: it has none. */
  policy: GitLabPolicy | null;
  /** Where the policy is written; left out if there is none. */
  origin?: string;
}

/** The result of `cleanup list`; what `--json` prints. */
export interface ListReport {
  schemaVersion: 1;
  command: "cleanup list";
  /** In the order of their paths. */
  projects: ListedProject[];
  /** Projects that use the registry, those that are not listed too. */
  total: number;
  /** Projects that have no policy, or one that is not enabled. */
  withoutPolicy: number;
  warnings: string[];
}

/** @returns the report, of projects without policy only if that is wanted */
export function listReport(
  projects: readonly ListedProject[],
  { onlyWithout, warnings }: { onlyWithout: boolean; warnings: string[] },
): ListReport {
  const without = projects.filter(({ policy }) => !policy?.enabled);
  const shown = onlyWithout ? without : projects;
  return {
    ...{ schemaVersion: 1, command: "cleanup list", total: projects.length, withoutPolicy: without.length },
    projects: shown.toSorted((a, b) => compareTexts(a.project, b.project)),
    warnings,
  };
}

function compareTexts(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
