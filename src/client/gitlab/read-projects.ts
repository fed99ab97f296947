import type { GitLabApi } from "./gitlab-api.ts";
import type { GitLabProject } from "./gitlab-project.ts";

/** What GitLab says of its projects. */
export interface GitLabProjects {
  projects: GitLabProject[];
  /** For people, where projects may be missing. */
  notices: string[];
}

/** How the list is read. */
export interface ReadProjectsOptions {
  signal?: AbortSignal | undefined;
  /** Called for each project. */
  onProject?: ((found: number) => void) | undefined;
}

/**
 * Reads the projects of a GitLab: all, if the token is an administrator's, else those of which its user is a member.
 *
 * @throws {GitLabError}
 * @throws {CancelledError}
 */
export async function readGitLabProjects(
  gitlab: GitLabApi,
  { signal, onProject }: ReadProjectsOptions = {},
): Promise<GitLabProjects> {
  const { name, isAdministrator } = await gitlab.user({ signal });
  const projects: GitLabProject[] = [];
  for await (const project of gitlab.projects({ isMember: !isAdministrator, signal })) {
    projects.push(project);
    onProject?.(projects.length);
  }
  const notices = isAdministrator
    ? []
    : [
        `the token for ${gitlab.name} is that of ${name}, who is no administrator: only projects of which ${name} is a member are known`,
      ];
  return { projects, notices };
}
