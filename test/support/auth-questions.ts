import { createPrivateKey, generateKeyPairSync } from "node:crypto";
import { expect } from "vitest";
import { digestOf } from "../../src/oci/digest.ts";
import { OCI_MANIFEST } from "../../src/oci/media-types.ts";
import { GITLAB_ISSUER, GITLAB_SERVICE, type GitLabIssuer } from "./gitlab-issuer.ts";
import { signToken } from "./gitlab-issuer-token.ts";
import { type Credentials, TEST_CREDENTIALS, TEST_WORLD } from "./gitlab-issuer-world.ts";
import { GITLAB_SIGNING_KEY } from "./gitlab-signing-key.ts";
import { imageManifest } from "./push-image.ts";
import { type Attempt, attempt, errorCodes, send } from "./token-client.ts";

/** What of an answer must be the same for all registries. */
export interface Reply {
  /** What the registry asked for when no token came along. */
  challenge: string | undefined;
  tokenStatus: number | undefined;
  status: number;
  codes: string[];
  /** The challenge of the last answer. */
  refusal: string | undefined;
}

/** Replies, by what was asked. */
export type Replies = Record<string, Reply>;

/** The digest of a blob that no registry has. */
export const ABSENT = digestOf(Buffer.from("pushed by nobody"));

const BLOB = Buffer.from("a layer that only some may see");
const CONFIG = Buffer.from("{}");

/** The Go registry hides manifests that a client does not say it can read. */
const ACCEPT = { accept: OCI_MANIFEST };

/** Pushes a small image as `<project>/image:v1` into each project of the team, with tokens that GitLab makes for itself. */
export async function pushToAllProjects(url: string, issuer: GitLabIssuer): Promise<void> {
  for (const { path } of TEST_WORLD.projects.filter(({ path }) => path.startsWith("team/"))) {
    const repository = `${path}/image`;
    const headers = { authorization: `Bearer ${await issuer.ownToken([repository])}` };
    const push = async (bytes: Buffer) => {
      const start = await send({ method: "POST", url: `${url}/v2/${repository}/blobs/uploads/`, headers });
      const target = withDigest(start.headers.location, url, bytes);
      const end = await send({ method: "PUT", url: target, headers, body: bytes });
      expect(end.status, end.body.toString()).toBe(201);
      return { digest: digestOf(bytes), bytes, mediaType: "application/vnd.oci.image.layer.v1.tar" };
    };
    const manifest = imageManifest(await push(CONFIG), [await push(BLOB)]);
    const answer = await send({
      method: "PUT",
      url: `${url}/v2/${repository}/manifests/v1`,
      headers: { ...headers, "content-type": OCI_MANIFEST },
      body: JSON.stringify(manifest),
    });
    expect(answer.status, answer.body.toString()).toBe(201);
  }
}

/** Sends one request as somebody who has an account or token, or as `anonymous`. */
export async function ask(who: string, method: string, url: string): Promise<Reply> {
  return describeAttempt(await attempt({ method, url, headers: ACCEPT }, credentialsOf(who)));
}

/** Everybody asks for what needs no repository. */
export async function askWithoutRepository(url: string): Promise<Replies> {
  const replies: Replies = {};
  for (const who of ["anonymous", ...Object.keys(TEST_CREDENTIALS)]) {
    replies[`catalog as ${who}`] = await ask(who, "GET", `${url}/v2/_catalog`);
    replies[`/v2/ as ${who}`] = await ask(who, "GET", `${url}/v2/`);
  }
  return replies;
}

/** Sends requests without a token. @param requests - `METHOD path-below-/v2/` */
export async function askWithoutToken(url: string, requests: readonly string[]): Promise<Replies> {
  const replies: Replies = {};
  for (const request of requests) {
    const [method = "", path = ""] = request.split(" ");
    const answer = await send({ method, url: `${url}/v2/${path}`, headers: ACCEPT });
    replies[request] = describeAttempt({ challenge: undefined, tokenStatus: undefined, answer });
  }
  return replies;
}

/** Mounts of a blob that the stranger may not read. */
export async function askMounts(url: string): Promise<Replies> {
  const own = "stranger/own/image";
  const secret = "from=team/private-open/image";
  const digest = digestOf(BLOB);
  const mount = (who: string, to: string, query: string) =>
    ask(who, "POST", `${url}/v2/${to}/blobs/uploads/?${query}`);
  return {
    "developer from team/private-open": await mount(
      "developer",
      "team/public-open/mounted",
      `mount=${digest}&${secret}`,
    ),
    "stranger from team/private-open": await mount("stranger", own, `mount=${digest}&${secret}`),
    "stranger from team/private-open, a blob that is nowhere": await mount(
      "stranger",
      own,
      `mount=${ABSENT}&${secret}`,
    ),
    "stranger from nowhere": await mount("stranger", own, `mount=${digest}`),
    "stranger from stranger/own and team/private-open": await mount(
      "stranger",
      own,
      `mount=${digest}&from=${own}&${secret}`,
    ),
    "stranger from team/private-open and stranger/own": await mount(
      "stranger",
      own,
      `mount=${digest}&${secret}&from=${own}`,
    ),
    "stranger looks for the blob in stranger/own": await ask(
      "stranger",
      "HEAD",
      `${url}/v2/${own}/blobs/${digest}`,
    ),
    "stranger looks for the blob in team/private-open": await ask(
      "stranger",
      "HEAD",
      `${url}/v2/team/private-open/image/blobs/${digest}`,
    ),
    "stranger looks for a blob that is nowhere in team/private-open": await ask(
      "stranger",
      "HEAD",
      `${url}/v2/team/private-open/image/blobs/${ABSENT}`,
    ),
  };
}

/** Pulls with tokens that are good, nearly good and bad. */
export async function askWithOddTokens(url: string): Promise<Replies> {
  const name = "team/private-open/image";
  const replies: Replies = {};
  for (const [what, token] of Object.entries(await oddTokens(name))) {
    const headers = { ...ACCEPT, authorization: `Bearer ${token}` };
    const answer = await send({ method: "GET", url: `${url}/v2/${name}/manifests/v1`, headers });
    replies[what] = describeAttempt({ challenge: undefined, tokenStatus: undefined, answer });
  }
  return replies;
}

/** Uploads a blob in two chunks, of which the second comes with an expired token first. */
export async function askHalfway(url: string): Promise<Replies> {
  const name = "team/private-open/image";
  const blob = Buffer.from("first half, second half");
  const { pushing, expiredPushing } = await oddTokens(name);
  const replies: Replies = {};
  let next: string | undefined = `${url}/v2/${name}/blobs/uploads/`;
  const step = async (
    what: string,
    token: string | undefined,
    method: string,
    body?: Buffer,
  ): Promise<void> => {
    const headers = { authorization: `Bearer ${token}`, "content-type": "application/octet-stream" };
    const target = method === "PUT" ? withDigest(next, url, blob) : new URL(next ?? "", url);
    const answer = await send({ method, url: target, headers, ...(body && { body }) });
    if (answer.status < 300) next = answer.headers.location;
    replies[what] = describeAttempt({ challenge: undefined, tokenStatus: undefined, answer });
  };
  await step("start", pushing, "POST");
  await step("first chunk", pushing, "PATCH", blob.subarray(0, 10));
  await step("second chunk, expired", expiredPushing, "PATCH", blob.subarray(10));
  await step("second chunk, renewed", pushing, "PATCH", blob.subarray(10));
  await step("end, expired", expiredPushing, "PUT");
  await step("end, renewed", pushing, "PUT");
  return replies;
}

/** Tokens for the repository `name`, by what is odd with them. */
async function oddTokens(name: string): Promise<Record<string, string>> {
  const now = Math.floor(Date.now() / 1000);
  const accessTo = (repository: string, ...actions: string[]) => ({
    more: { access: [{ type: "repository", name: repository, actions }] },
  });
  const good = {
    issuer: GITLAB_ISSUER,
    audience: GITLAB_SERVICE,
    issuedAt: now,
    expiresAt: now + 300,
    ...accessTo(name, "pull"),
  };
  const key = createPrivateKey(GITLAB_SIGNING_KEY);
  const foreign = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey;
  const token = await signToken(key, good);
  const [header = "", claims = "", signature = ""] = token.split(".");
  const unsigned = Buffer.from('{"typ":"JWT","alg":"none"}').toString("base64url");
  const expired = { issuedAt: now - 400, expiresAt: now - 100 };
  return {
    good: token,
    "just expired": await signToken(key, { ...good, issuedAt: now - 330, expiresAt: now - 30 }),
    "soon valid": await signToken(key, { ...good, issuedAt: now + 30 }),
    pushing: await signToken(key, { ...good, ...accessTo(name, "pull", "push") }),
    expired: await signToken(key, { ...good, ...expired }),
    expiredPushing: await signToken(key, { ...good, ...expired, ...accessTo(name, "pull", "push") }),
    "not yet valid": await signToken(key, { ...good, issuedAt: now + 200, expiresAt: now + 500 }),
    "of another issuer": await signToken(key, { ...good, issuer: "somebody" }),
    "for another service": await signToken(key, { ...good, audience: "dependency_proxy" }),
    "of a foreign key": await signToken(foreign, good),
    "without a signature": `${unsigned}.${claims}.`,
    "with another signature": `${header}.${claims}.${signature.slice(0, -8)}AAAAAAAA`,
    "for another repository": await signToken(key, {
      ...good,
      ...accessTo("team/public-open/image", "pull"),
    }),
    "for another action": await signToken(key, { ...good, ...accessTo(name, "push") }),
    "without access": await signToken(key, { ...good, more: {} }),
    "not a token": "not-a-token",
  };
}

function describeAttempt({ challenge, tokenStatus, answer }: Attempt): Reply {
  return {
    challenge: sortScopes(challenge),
    tokenStatus,
    status: answer.status,
    codes: errorCodes(answer),
    refusal: sortScopes(answer.headers["www-authenticate"]),
  };
}

/** The Go registry gives the scopes of a challenge, and the actions of each, in another order each time. */
function sortScopes(challenge: string | undefined): string | undefined {
  return challenge?.replace(/scope="([^"]*)"/, (_, scopes: string) => {
    const sorted = scopes
      .split(" ")
      .map((scope) => scope.replace(/[^:]*$/, (actions) => actions.split(",").sort().join(",")))
      .sort();
    return `scope="${sorted.join(" ")}"`;
  });
}

function credentialsOf(who: string): Credentials | undefined {
  return Object.entries(TEST_CREDENTIALS).find(([name]) => name === who)?.[1];
}

function withDigest(location: string | undefined, base: string, bytes: Buffer): URL {
  const target = new URL(location ?? "", base);
  target.searchParams.set("digest", digestOf(bytes));
  return target;
}
