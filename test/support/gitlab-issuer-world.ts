/** Who may see a project at all. */
export type Visibility = "public" | "internal" | "private";

/** Who of those may see its registry: "Everyone With Access", "Only Project Members" or nobody. */
export type RegistryAccess = "enabled" | "private" | "disabled";

/** What a member of a project is there, from least to most. */
export const ROLES = ["guest", "reporter", "developer", "maintainer", "owner"] as const;

/** A member's role. */
export type Role = (typeof ROLES)[number];

/** A project, as far as its registry goes. */
export interface GitLabProject {
  id: number;
  /** `group/project`. */
  path: string;
  visibility: Visibility;
  registryAccess: RegistryAccess;
  /** By user name. */
  members: Readonly<Record<string, Role>>;
}

/** An account. */
export interface GitLabUser {
  id: number;
  username: string;
  password: string;
  isAdmin?: boolean;
}

/** What a token may be used for; the registry knows only some of these. */
export type TokenScope = "api" | "read_registry" | "write_registry" | "read_repository";

/** Acts for its user, with whatever name it is sent. */
export interface PersonalAccessToken {
  username: string;
  token: string;
  scopes: readonly TokenScope[];
}

/** Acts for nobody, in one project or in all of a group. */
export interface DeployToken {
  id: number;
  username: string;
  token: string;
  scopes: readonly TokenScope[];
  /** Path of the project or of the group. */
  reach: string;
}

/** `CI_JOB_TOKEN` of a running job: its user's, in its project. */
export interface JobToken {
  token: string;
  username: string;
  /** Path of the project that the job runs in. */
  project: string;
}

/** All that the issuer knows. */
export interface GitLabWorld {
  projects: readonly GitLabProject[];
  users: readonly GitLabUser[];
  personalAccessTokens: readonly PersonalAccessToken[];
  deployTokens: readonly DeployToken[];
  jobTokens: readonly JobToken[];
}

/** A name and a password, as given to `login`. */
export interface Credentials {
  username: string;
  password: string;
}

const TEAM = {
  guest: "guest",
  reporter: "reporter",
  developer: "developer",
  maintainer: "maintainer",
} as const;

/**
 * A group `team` with a project of each visibility and registry access, in which each of the users that are named for a
 * role has that role, and a user `stranger` who has a project of their own only.
 */
export const TEST_WORLD: GitLabWorld = {
  projects: [
    project(1, "team/public-open", "public", "enabled"),
    project(2, "team/public-members", "public", "private"),
    project(3, "team/internal-open", "internal", "enabled"),
    project(4, "team/internal-members", "internal", "private"),
    project(5, "team/private-open", "private", "enabled"),
    project(6, "team/private-members", "private", "private"),
    project(7, "team/public-off", "public", "disabled"),
    project(8, "team/private-off", "private", "disabled"),
    { ...project(9, "stranger/own", "private", "enabled"), members: { stranger: "owner" } },
  ],
  users: [
    ...["guest", "reporter", "developer", "maintainer", "stranger"].map((username, index) => ({
      id: 11 + index,
      username,
      password: `password of ${username}`,
    })),
    { id: 1, username: "root", password: "password of root", isAdmin: true },
  ],
  personalAccessTokens: [
    { username: "developer", token: "glpat-read", scopes: ["read_registry"] },
    { username: "developer", token: "glpat-write", scopes: ["write_registry"] },
    { username: "developer", token: "glpat-both", scopes: ["read_registry", "write_registry"] },
    { username: "developer", token: "glpat-code", scopes: ["read_repository"] },
    { username: "maintainer", token: "glpat-api", scopes: ["api"] },
  ],
  deployTokens: [
    {
      id: 1,
      username: "gitlab+deploy-token-1",
      token: "gldt-read",
      scopes: ["read_registry"],
      reach: "team",
    },
    {
      id: 2,
      username: "gitlab+deploy-token-2",
      token: "gldt-both",
      scopes: ["read_registry", "write_registry"],
      reach: "team/private-open",
    },
  ],
  jobTokens: [{ token: "glcbt-job", username: "developer", project: "team/private-open" }],
};

/** What each of {@link TEST_WORLD}'s accounts and tokens is used with. */
export const TEST_CREDENTIALS = {
  guest: password("guest"),
  reporter: password("reporter"),
  developer: password("developer"),
  maintainer: password("maintainer"),
  stranger: password("stranger"),
  admin: password("root"),
  readToken: { username: "developer", password: "glpat-read" },
  writeToken: { username: "developer", password: "glpat-write" },
  bothToken: { username: "developer", password: "glpat-both" },
  codeToken: { username: "developer", password: "glpat-code" },
  apiToken: { username: "maintainer", password: "glpat-api" },
  deployRead: { username: "gitlab+deploy-token-1", password: "gldt-read" },
  deployBoth: { username: "gitlab+deploy-token-2", password: "gldt-both" },
  job: { username: "gitlab-ci-token", password: "glcbt-job" },
} as const satisfies Record<string, Credentials>;

function project(
  id: number,
  path: string,
  visibility: Visibility,
  registryAccess: RegistryAccess,
): GitLabProject {
  return { id, path, visibility, registryAccess, members: TEAM };
}

function password(username: string): Credentials {
  return { username, password: `password of ${username}` };
}
