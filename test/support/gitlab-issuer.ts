import { createPrivateKey, type KeyObject } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { type Bearer, findBearer, isAllowed } from "./gitlab-issuer-policy.ts";
import { type GrantedAccess, signToken } from "./gitlab-issuer-token.ts";
import { type Credentials, type GitLabProject, type GitLabWorld, TEST_WORLD } from "./gitlab-issuer-world.ts";
import { GITLAB_SIGNING_KEY } from "./gitlab-signing-key.ts";

/** The `service` of a GitLab package's registry, and the audience of its tokens. */
export const GITLAB_SERVICE = "container_registry";

/** The `issuer` that a GitLab package configures. */
export const GITLAB_ISSUER = "omnibus-gitlab-issuer";

/** What a test wants of the issuer. */
export interface IssuerOptions {
  world?: GitLabWorld;
  /** PEM; the pair of `GITLAB_SIGNING_CERTIFICATE` by default. */
  key?: string;
  /** From issue to expiry; five minutes by default. */
  lifetimeSeconds?: number;
  /** As if each token had been issued so long ago; 0 by default. */
  ageSeconds?: number;
}

/** A request for a token, and what came of it. */
export interface TokenRequest {
  username: string | undefined;
  scopes: string[];
  status: number;
  granted: GrantedAccess[];
  /** Seconds since 1970; undefined where no token was given. */
  expiresAt: number | undefined;
}

/** A running issuer. */
export interface GitLabIssuer {
  /** `127.0.0.1:port`. */
  address: string;
  /** `http://127.0.0.1:port/jwt/auth`. */
  realm: string;
  /** All requests so far, in order. */
  requests: TokenRequest[];
  /** Can be changed while it runs. */
  lifetimeSeconds: number;
  ageSeconds: number;
  /** A token that GitLab makes for its own use: for nobody, with all actions. */
  ownToken(repositories: readonly string[]): Promise<string>;
  close(): Promise<void>;
}

/**
 * Starts a server that answers `/jwt/auth` as GitLab does: credentials by Basic, any number of `scope` parameters, those
 * actions granted that the project's visibility and the user's role allow, and a token without `expires_in`.
 *
 * @see https://docs.gitlab.com/administration/packages/container_registry/
 */
export async function startGitLabIssuer(options: IssuerOptions = {}): Promise<GitLabIssuer> {
  const server = createServer((request, response) => {
    void answer(issuer, options.world ?? TEST_WORLD, key, request, response);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const bound = server.address();
  if (bound === null || typeof bound === "string") throw new Error("a TCP server has no port");
  const address = `127.0.0.1:${bound.port}`;
  const key = createPrivateKey(options.key ?? GITLAB_SIGNING_KEY);
  const issuer: GitLabIssuer = {
    address,
    realm: `http://${address}/jwt/auth`,
    requests: [],
    lifetimeSeconds: options.lifetimeSeconds ?? 300,
    ageSeconds: options.ageSeconds ?? 0,
    ownToken(repositories) {
      const access = repositories.map((name) => ({ type: "repository", name, actions: ["*"] }));
      return sign(issuer, key, GITLAB_SERVICE, undefined, { access }).token;
    },
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
  return issuer;
}

async function answer(
  issuer: GitLabIssuer,
  world: GitLabWorld,
  key: KeyObject,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const url = new URL(request.url ?? "", issuer.realm);
  const send = (status: number, body?: object): void => {
    response.writeHead(status, { "content-type": "application/json; charset=utf-8" });
    response.end(body === undefined ? undefined : JSON.stringify(body));
  };
  const service = url.searchParams.get("service");
  // GitLab has no OAuth2 form of this; clients that try it first go on with GET.
  if (request.method !== "GET" || url.pathname !== "/jwt/auth" || service !== GITLAB_SERVICE)
    return send(404);
  const credentials = readBasic(request.headers.authorization);
  const scopes = url.searchParams.getAll("scope").flatMap((scope) => scope.split(/\s+/).filter(Boolean));
  const noted = (status: number, granted: GrantedAccess[] = [], expiresAt?: number): void => {
    issuer.requests.push({ username: credentials?.username, scopes, status, granted, expiresAt });
  };

  const bearer = findBearer(world, credentials);
  if (bearer === undefined) {
    noted(401);
    return send(401, { errors: [{ code: "UNAUTHORIZED", message: "HTTP Basic: Access denied." }] });
  }
  const granted = scopes.flatMap((scope) => grant(world, bearer, scope) ?? []);
  const isNobody = bearer.user === undefined && bearer.deployToken === undefined;
  if (bearer.abilities.length === 0 || (isNobody && granted.length === 0)) {
    noted(403);
    return send(403, { errors: [{ code: "DENIED", message: "access forbidden" }] });
  }
  const { token, expiresAt } = sign(issuer, key, service, bearer.user?.username, {
    auth_type: bearer.authType,
    access: granted,
    user: await userClaim(issuer, key, bearer),
  });
  noted(200, granted, expiresAt);
  send(200, { token: await token });
}

function grant(world: GitLabWorld, bearer: Bearer, scope: string): GrantedAccess | undefined {
  const [type = "", name = "", wanted = ""] = scope.split(":");
  if (type === "registry")
    return name === "catalog" && wanted === "*" && bearer.user?.isAdmin === true
      ? { type, name, actions: ["*"] }
      : undefined;
  const project = type === "repository" ? projectOf(world, name) : undefined;
  const actions = wanted.split(",").filter((action) => project && isAllowed(bearer, project, action));
  if (project === undefined || actions.length === 0) return undefined;
  const meta = { project_path: project.path, project_id: project.id, root_namespace_id: 1 };
  return { type, name, actions, meta };
}

/** A repository is the project's own or lies up to three levels below it. */
function projectOf(world: GitLabWorld, repository: string): GitLabProject | undefined {
  return world.projects.find(({ path }) => {
    if (repository === path) return true;
    return repository.startsWith(`${path}/`) && repository.slice(path.length + 1).split("/").length <= 3;
  });
}

function sign(
  issuer: GitLabIssuer,
  key: KeyObject,
  audience: string,
  subject: string | undefined,
  more: Record<string, unknown>,
): { token: Promise<string>; expiresAt: number } {
  const issuedAt = Math.floor(Date.now() / 1000) - issuer.ageSeconds;
  const expiresAt = issuedAt + issuer.lifetimeSeconds;
  const token = signToken(key, { issuer: GITLAB_ISSUER, audience, subject, issuedAt, expiresAt, more });
  return { token, expiresAt };
}

/** A token in the token, which only GitLab's own registry reads. */
function userClaim(issuer: GitLabIssuer, key: KeyObject, bearer: Bearer): Promise<string> {
  const { authType: token_type, user, deployToken } = bearer;
  let user_info: object | undefined;
  if (user) user_info = { token_type, username: user.username, user_id: user.id };
  else if (deployToken)
    user_info = { token_type, username: deployToken.username, deploy_token_id: deployToken.id };
  return sign(issuer, key, GITLAB_SERVICE, undefined, user_info ? { user_info } : {}).token;
}

function readBasic(header: string | undefined): Credentials | undefined {
  if (header === undefined) return undefined;
  const decoded = Buffer.from(header.replace(/^Basic /i, ""), "base64").toString();
  const colon = decoded.indexOf(":");
  return { username: decoded.slice(0, colon), password: decoded.slice(colon + 1) };
}
