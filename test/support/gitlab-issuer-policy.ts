import {
  type Credentials,
  type DeployToken,
  type GitLabProject,
  type GitLabUser,
  type GitLabWorld,
  ROLES,
  type Role,
  type TokenScope,
} from "./gitlab-issuer-world.ts";

/** What a credential is good for, before any project is asked. */
type Ability = "read" | "create" | "admin" | "build-read" | "build-create" | "build-destroy";

/** Who asks for a token. */
export interface Bearer {
  /** As GitLab names it in the token. */
  authType: "none" | "gitlab_or_ldap" | "personal_access_token" | "deploy_token" | "build";
  abilities: readonly Ability[];
  user?: GitLabUser;
  deployToken?: DeployToken;
  /** Path of the project that a job runs in. */
  jobProject?: string;
}

const FULL: readonly Ability[] = ["read", "create", "admin"];

/** Scopes that are not named here are good for other things than images. */
const ABILITIES_OF_SCOPES: Partial<Record<TokenScope, readonly Ability[]>> = {
  api: FULL,
  read_registry: ["read"],
  write_registry: ["create"],
};

/** @returns who comes with these credentials, or undefined if they are wrong */
export function findBearer(world: GitLabWorld, credentials: Credentials | undefined): Bearer | undefined {
  if (credentials === undefined) return { authType: "none", abilities: ["read"] };
  const { username, password } = credentials;
  const userNamed = (name: string) => world.users.find((user) => user.username === name);

  if (username === "gitlab-ci-token") {
    const job = world.jobTokens.find(({ token }) => token === password);
    const user = job && userNamed(job.username);
    const abilities: Ability[] = ["build-read", "build-create", "build-destroy"];
    return job && user && { authType: "build", abilities, user, jobProject: job.project };
  }
  const personal = world.personalAccessTokens.find(({ token }) => token === password);
  const owner = personal && userNamed(personal.username);
  if (personal && owner)
    return { authType: "personal_access_token", abilities: abilitiesOf(personal.scopes), user: owner };
  const deployToken = world.deployTokens.find(({ token }) => token === password);
  if (deployToken?.username === username)
    return { authType: "deploy_token", abilities: abilitiesOf(deployToken.scopes), deployToken };
  const user = userNamed(username);
  if (user?.password === password) return { authType: "gitlab_or_ldap", abilities: FULL, user };
  return undefined;
}

/**
 * Tells whether GitLab lets somebody do something with the images of a project. Allowlists for job tokens, external
 * users and protection rules are left out.
 *
 * @see https://docs.gitlab.com/user/packages/container_registry/#container-registry-visibility-permissions
 */
export function isAllowed(bearer: Bearer, project: GitLabProject, action: string): boolean {
  if (project.registryAccess === "disabled") return false;
  const { user, deployToken, jobProject } = bearer;
  const able = (ability: Ability): boolean => bearer.abilities.includes(ability);
  const isJobAtHome = jobProject === project.path;
  const isDeployed =
    deployToken !== undefined && `${project.path}/`.startsWith(`${deployToken.reach.replace(/\/$/, "")}/`);
  switch (action) {
    case "pull":
      return (
        (able("build-read") && (isJobAtHome || mayRead(user, project))) ||
        (able("read") && (isDeployed || mayRead(user, project)))
      );
    case "push":
      return (
        (able("build-create") && isJobAtHome) ||
        (able("create") && (isDeployed || hasRole(user, project, "developer")))
      );
    case "delete":
      return (able("build-destroy") && isJobAtHome) || mayAdminister(bearer, project);
    case "*":
      return mayAdminister(bearer, project);
    default:
      return false;
  }
}

function abilitiesOf(scopes: readonly TokenScope[]): Ability[] {
  return scopes.flatMap((scope) => ABILITIES_OF_SCOPES[scope] ?? []);
}

function mayRead(user: GitLabUser | undefined, project: GitLabProject): boolean {
  if (hasRole(user, project, "reporter")) return true;
  if (project.registryAccess === "private") return false;
  return project.visibility === "public" || (project.visibility === "internal" && user !== undefined);
}

function mayAdminister({ abilities, user }: Bearer, project: GitLabProject): boolean {
  return abilities.includes("admin") && hasRole(user, project, "maintainer");
}

function hasRole(user: GitLabUser | undefined, project: GitLabProject, least: Role): boolean {
  if (user === undefined) return false;
  if (user.isAdmin === true) return true;
  const role = project.members[user.username];
  return role !== undefined && ROLES.indexOf(role) >= ROLES.indexOf(least);
}
