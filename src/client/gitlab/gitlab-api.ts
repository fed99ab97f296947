import { GitLabError } from "./gitlab-error.ts";
import type { GitLabHttp } from "./gitlab-http.ts";
import { type GitLabProject, parseProject } from "./gitlab-project.ts";
import { nextPageOf } from "./next-page.ts";
import { attributesOf, differencesOf, type PolicyChange } from "./policy-change.ts";

/** GitLab gives no more. See https://docs.gitlab.com/api/rest/#pagination */
const PER_PAGE = 100;
/** Ten million projects: what lists more is no GitLab. */
const MAX_PAGES = 100_000;

/** Whose token it is. */
export interface GitLabUser {
  name: string;
  /** Sees every project, and may change it. */
  isAdministrator: boolean;
}

/** Options of every question. */
export interface GitLabAskOptions {
  signal?: AbortSignal | undefined;
}

/** What we ask of GitLab's REST API. */
export class GitLabApi {
  readonly #http: GitLabHttp;

  constructor(http: GitLabHttp) {
    this.#http = http;
  }

  /** For people: the address. */
  get name(): string {
    return this.#http.server;
  }

  /**
   * @returns whose token it is
   * @throws {GitLabError}
   * @throws {CancelledError}
   * @see https://docs.gitlab.com/api/users/#retrieve-the-current-user
   */
  async user({ signal }: GitLabAskOptions = {}): Promise<GitLabUser> {
    const { json } = await this.#http.ask({
      method: "GET",
      path: "user",
      doing: "asking whose token it is",
      signal,
    });
    const fields: Record<string, unknown> = typeof json === "object" && json !== null ? { ...json } : {};
    const { username, is_admin: isAdmin } = fields;
    if (typeof username !== "string") {
      throw new GitLabError(`what answers at ${this.name} is not the API of GitLab: it names no user`, {
        isFinal: true,
      });
    }
    return { name: username, isAdministrator: isAdmin === true };
  }

  /**
   * Lists projects by their ids, a page at a time.
   *
   * @param isMember - only those of which the token's user is a member, rather than all that it may see, such as every public project
   * @throws {GitLabError}
   * @throws {CancelledError}
   * @see https://docs.gitlab.com/api/projects/#list-all-projects
   */
  async *projects({
    isMember,
    signal,
  }: GitLabAskOptions & { isMember: boolean }): AsyncGenerator<GitLabProject> {
    const own = { pagination: "keyset", order_by: "id", sort: "asc", per_page: String(PER_PAGE) };
    const parameters = new URLSearchParams(isMember ? { ...own, membership: "true" } : own);
    let last = 0;
    for (let page = 1; page <= MAX_PAGES; page++) {
      const { json, link } = await this.#http.ask({
        ...{ method: "GET", path: "projects", parameters, doing: "listing projects", signal },
      });
      if (!Array.isArray(json)) throw this.#odd("a list of projects that is no list");
      const projects = json.map(parseProject);
      for (const project of projects) {
        if (project.id <= last) throw this.#odd("the same projects again, or not in the order of their ids");
        last = project.id;
        yield project;
      }
      const next = nextPageOf(link);
      // A proxy may take the header away: then only a page that is not full is the last one.
      if (next === undefined && projects.length < PER_PAGE) return;
      const after = next?.get("id_after") ?? String(last);
      if (projects.length === 0 && after === parameters.get("id_after")) return;
      parameters.set("id_after", after);
    }
    throw this.#odd("more projects than there can be");
  }

  /**
   * @param path - with all its groups, or the id
   * @returns undefined if there is no such project, or the token may not see it
   * @throws {GitLabError}
   * @throws {CancelledError}
   */
  async project(
    path: string | number,
    { signal }: GitLabAskOptions = {},
  ): Promise<GitLabProject | undefined> {
    try {
      const { json } = await this.#http.ask({
        ...{ method: "GET", path: projectPath(path), doing: `reading the project ${path}`, signal },
      });
      return parseProject(json);
    } catch (error) {
      if (error instanceof GitLabError && error.status === 404 && !error.isFinal) return undefined;
      throw error;
    }
  }

  /**
   * @returns whether the project has repositories in the registry
   * @throws {GitLabError}
   * @throws {CancelledError}
   * @see https://docs.gitlab.com/api/container_registry/#list-all-registry-repositories-in-a-project
   */
  async hasRepositories(id: number, { signal }: GitLabAskOptions = {}): Promise<boolean> {
    const { json } = await this.#http.ask({
      ...{ method: "GET", path: `${projectPath(id)}/registry/repositories` },
      parameters: new URLSearchParams({ per_page: "1" }),
      ...{ doing: `listing the repositories of project ${id}`, signal },
    });
    if (!Array.isArray(json)) throw this.#odd("a list of repositories that is no list");
    return json.length > 0;
  }

  /**
   * Changes a project's cleanup policy. May be done twice.
   *
   * @returns the project as it is then
   * @throws {GitLabError} also if GitLab takes the request and keeps something else
   * @throws {CancelledError}
   * @see https://docs.gitlab.com/api/projects/#update-a-project
   */
  async setPolicy(
    id: number,
    change: PolicyChange,
    { signal }: GitLabAskOptions = {},
  ): Promise<GitLabProject> {
    const { json } = await this.#http.ask({
      ...{ method: "PUT", path: projectPath(id), doing: "changing the policy", signal },
      body: { container_expiration_policy_attributes: attributesOf(change) },
    });
    const project = parseProject(json);
    const { policy } = project;
    const kept = policy && differencesOf(policy, change);
    if (kept === undefined || kept.length > 0) {
      throw new GitLabError(
        kept === undefined
          ? "GitLab took the request, and shows no policy"
          : `GitLab took the request, and keeps another ${kept.map(({ name }) => name).join(", ")}`,
        { hint: "look at the project's settings; the container registry may be switched off there" },
      );
    }
    return project;
  }

  #odd(what: string): GitLabError {
    return new GitLabError(`${this.name} gives ${what}`, { isFinal: true });
  }
}

function projectPath(path: string | number): string {
  return `projects/${encodeURIComponent(path)}`;
}
