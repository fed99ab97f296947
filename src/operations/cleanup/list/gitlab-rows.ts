import type { GitLabApi } from "../../../client/gitlab/gitlab-api.ts";
import { GitLabError } from "../../../client/gitlab/gitlab-error.ts";
import type { GitLabProject } from "../../../client/gitlab/gitlab-project.ts";
import { forEachConcurrently } from "../../../lib/for-each-concurrently.ts";
import { ProjectDirectory } from "../../usage/projects.ts";
import { guessedProject } from "../../usage/usage-groups.ts";
import type { FindProject } from "./gather-projects.ts";
import { GUESSED_SEGMENTS, type ListedProject } from "./list-report.ts";

/** Requests at a time: GitLab has other work to do. */
const CONCURRENCY = 4;

/** @returns what says to which of GitLab's projects a repository belongs */
export function findAmongProjects(gitlab: GitLabApi, projects: readonly GitLabProject[]): FindProject {
  const directory = new ProjectDirectory(projects);
  return (repository) => {
    const known = directory.ownerOf(repository);
    if (known !== undefined) return { key: `known ${known.path}`, project: () => rowOf(gitlab, known) };
    const project = guessedProject(repository, GUESSED_SEGMENTS);
    return { key: `guess ${project}`, project: () => ({ project, isGuess: true, policy: null }) };
  };
}

/**
 * Asks GitLab which of its projects have repositories: one request for each that has its registry switched on.
 *
 * @returns those that have, and those that could not be asked for
 * @throws {GitLabError} if others will fare no better
 * @throws {CancelledError}
 */
export async function askForUsers(
  gitlab: GitLabApi,
  projects: readonly GitLabProject[],
  { signal, onAsked }: { signal?: AbortSignal | undefined; onAsked?: (done: number) => void } = {},
): Promise<{ rows: ListedProject[]; failed: { project: string; error: string }[] }> {
  const rows: ListedProject[] = [];
  const failed: { project: string; error: string }[] = [];
  let done = 0;
  await forEachConcurrently(projects, CONCURRENCY, async (project) => {
    try {
      if (project.hasRegistry === false) return;
      if (await gitlab.hasRepositories(project.id, { signal })) rows.push(rowOf(gitlab, project));
    } catch (error) {
      if (!(error instanceof GitLabError) || error.isFinal) throw error;
      failed.push({ project: project.path, error: error.message });
    } finally {
      done++;
      onAsked?.(done);
    }
  });
  return { rows, failed };
}

function rowOf(gitlab: GitLabApi, { path, id, policy }: GitLabProject): ListedProject {
  const origin = policy === undefined ? {} : { origin: `${gitlab.name}/${path}` };
  return { project: path, id, isGuess: false, policy: policy ?? null, ...origin };
}
