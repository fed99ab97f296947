import type { KeyObject } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { digestOf } from "../../../src/oci/digest.ts";
import { type InProcessServer, startInProcessServer } from "../../support/in-process-server.ts";
import {
  type AccessClaim,
  certify,
  claimsOf,
  ISSUER,
  makeKey,
  SERVICE,
  signToken,
} from "../../support/token-authority.ts";

const REALM = 'Bearer realm="https://gitlab.example.com/jwt/auth",service="container_registry"';
const NAME = "group/project";
const DIGEST = digestOf(Buffer.from("hello"));
const UPLOAD = "5f0c6f6e-8a2b-4c33-9d2f-0d5b8f3f8d11";

let folder: string;
let key: KeyObject;
let server: InProcessServer;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "registry-ctl-token-"));
  key = makeKey();
  const rootCertBundle = join(folder, "bundle.pem");
  writeFileSync(rootCertBundle, (await certify({ key })).toString());
  server = await startInProcessServer({
    settings: {
      auth: {
        kind: "token",
        realm: "https://gitlab.example.com/jwt/auth",
        service: SERVICE,
        issuer: ISSUER,
        rootCertBundle,
        jwks: "",
        signingAlgorithms: [],
        autoRedirect: false,
        autoRedirectPath: "/auth/token",
      },
    },
  });
});
afterAll(async () => {
  await server.close();
  rmSync(folder, { recursive: true });
});

const tokenFor = (access: readonly AccessClaim[], more: Record<string, unknown> = {}) =>
  signToken(key, claimsOf(access, more));

/** Sends a request with a token for `actions` on repositories; none for undefined. */
async function ask(
  method: string,
  path: string,
  access?: Record<string, string[]>,
  body?: string,
): Promise<Response> {
  const entries = Object.entries(access ?? {}).map(([name, actions]) => ({
    type: "repository",
    name,
    actions,
  }));
  const headers: Record<string, string> = access
    ? { authorization: `Bearer ${await tokenFor(entries)}` }
    : {};
  return fetch(server.url + path, {
    method,
    headers,
    redirect: "manual",
    ...(body === undefined ? {} : { body }),
  });
}

interface Refusal {
  errors: {
    code: string;
    message: string;
    detail: { Type: string; Class: string; Name: string; Action: string }[] | null;
  }[];
}

const of = (name: string, ...actions: string[]) =>
  actions.map((Action) => ({ Type: "repository", Class: "", Name: name, Action }));
const pull = of(NAME, "pull");
const push = of(NAME, "pull", "push");
const remove = of(NAME, "delete");
const PULL = `repository:${NAME}:pull`;
const PUSH = `repository:${NAME}:pull,push`;
const DELETE = `repository:${NAME}:delete`;

describe("a request without a token", () => {
  const v2 = `/v2/${NAME}`;
  it.each([
    ["GET", "/v2/", "", null],
    ["HEAD", "/v2/", "", null],
    ["POST", "/v2/", "", null],
    ["DELETE", "/v2/", "", null],
    [
      "GET",
      "/v2/_catalog",
      "registry:catalog:*",
      [{ Type: "registry", Class: "", Name: "catalog", Action: "*" }],
    ],
    [
      "GET",
      "/v2/_catalog?n=1",
      "registry:catalog:*",
      [{ Type: "registry", Class: "", Name: "catalog", Action: "*" }],
    ],
    ["HEAD", "/v2/_catalog", "registry:catalog:*", null],
    ["GET", `${v2}/tags/list`, PULL, pull],
    ["HEAD", `${v2}/tags/list`, PULL, pull],
    ["DELETE", `${v2}/tags/list`, DELETE, remove],
    ["GET", `${v2}/manifests/latest`, PULL, pull],
    ["HEAD", `${v2}/manifests/latest`, PULL, pull],
    ["PUT", `${v2}/manifests/latest`, PUSH, push],
    ["DELETE", `${v2}/manifests/latest`, DELETE, remove],
    ["DELETE", `${v2}/manifests/${DIGEST}`, DELETE, remove],
    ["POST", `${v2}/manifests/latest`, PUSH, push],
    ["PATCH", `${v2}/manifests/latest`, PUSH, push],
    ["OPTIONS", `${v2}/manifests/latest`, "", null],
    ["GET", `${v2}/blobs/${DIGEST}`, PULL, pull],
    ["HEAD", `${v2}/blobs/${DIGEST}`, PULL, pull],
    ["DELETE", `${v2}/blobs/${DIGEST}`, DELETE, remove],
    ["PUT", `${v2}/blobs/${DIGEST}`, PUSH, push],
    ["POST", `${v2}/blobs/uploads/`, PUSH, push],
    ["POST", `${v2}/blobs/uploads/?mount=${DIGEST}`, PUSH, push],
    [
      "POST",
      `${v2}/blobs/uploads/?mount=${DIGEST}&from=other/project`,
      `${PUSH} repository:other/project:pull`,
      [...push, ...of("other/project", "pull")],
    ],
    ["POST", `${v2}/blobs/uploads/?mount=${DIGEST}&from=${NAME}`, PUSH, [...push, ...pull]],
    ["GET", `${v2}/blobs/uploads/${UPLOAD}`, PULL, pull],
    ["PATCH", `${v2}/blobs/uploads/${UPLOAD}`, PUSH, push],
    ["PUT", `${v2}/blobs/uploads/${UPLOAD}?digest=${DIGEST}`, PUSH, push],
    ["DELETE", `${v2}/blobs/uploads/${UPLOAD}`, DELETE, remove],
    ["GET", `${v2}/referrers/${DIGEST}`, PULL, pull],
  ])("is challenged with the exact scope: %s %s", async (method, path, scope, detail) => {
    const answer = await ask(method, path);
    expect(answer.status).toBe(401);
    expect(answer.headers.get("www-authenticate")).toBe(scope === "" ? REALM : `${REALM},scope="${scope}"`);
    expect(answer.headers.get("docker-distribution-api-version")).toBe("registry/2.0");
    if (method === "HEAD") return;
    expect(answer.headers.get("content-type")).toMatch(/^application\/json/);
    const { errors } = (await answer.json()) as Refusal;
    expect(errors).toEqual([{ code: "UNAUTHORIZED", message: "authentication required", detail }]);
  });

  it("is answered where nothing is to be guarded", async () => {
    expect((await ask("GET", "/")).status).toBe(200);
    expect((await ask("GET", "/v2/no/such/path")).status).toBe(404);
  });

  it.each([
    "a%22,realm=%22https://evil.example",
    "a%0d%0aX-Evil:%201",
    "a%00b",
    "%F0%9F%90%B3%E2%80%A8",
    "../../etc/passwd",
    "a:pull,push repository:b",
    "%22".repeat(2000),
  ])("cannot write into the challenge by from=%.30s", async (from) => {
    const answer = await ask("POST", `/v2/${NAME}/blobs/uploads/?mount=${DIGEST}&from=${from}`);
    expect(answer.status).toBe(401);
    const challenge = answer.headers.get("www-authenticate") ?? "";
    expect(challenge).toMatch(/^Bearer realm="[^"]*",service="[^"]*",scope="[^"]*"$/);
    expect(challenge.split("scope=")[1]?.split(" ")).toHaveLength(2);
    expect(challenge.slice(challenge.indexOf("scope=")).match(/repository:/g)).toHaveLength(2);
    expect(answer.headers.get("x-evil")).toBeNull();
  });
});

describe("a token", () => {
  it("opens what it allows and nothing else", async () => {
    const mine = { [NAME]: ["pull"] };
    expect((await ask("GET", "/v2/", {})).status).toBe(200);
    expect((await ask("GET", `/v2/${NAME}/tags/list`, mine)).status).toBe(404);
    const refused = await ask("POST", `/v2/${NAME}/blobs/uploads/`, mine);
    expect(refused.status).toBe(401);
    expect(refused.headers.get("www-authenticate")).toBe(
      `${REALM},scope="${PUSH}",error="insufficient_scope"`,
    );
    expect(((await refused.json()) as Refusal).errors[0]?.detail).toEqual(push);
    expect((await ask("GET", "/v2/group/other/tags/list", mine)).status).toBe(401);
    expect((await ask("GET", "/v2/group/project/sub/tags/list", mine)).status).toBe(401);
    expect((await ask("GET", "/v2/_catalog", mine)).status).toBe(401);
  });

  it("for push alone does not do for a push, as clients need to pull for it", async () => {
    expect((await ask("POST", `/v2/${NAME}/blobs/uploads/`, { [NAME]: ["push"] })).status).toBe(401);
    expect((await ask("POST", `/v2/${NAME}/blobs/uploads/`, { [NAME]: ["pull", "push"] })).status).toBe(202);
    expect((await ask("POST", `/v2/${NAME}/blobs/uploads/`, { [NAME]: ["*"] })).status).toBe(202);
  });

  it("for the catalog opens it", async () => {
    const token = await tokenFor([{ type: "registry", name: "catalog", actions: ["*"] }]);
    const answer = await fetch(`${server.url}/v2/_catalog`, {
      headers: { authorization: `Bearer ${token}` },
    });
    expect(answer.status).toBe(200);
  });

  it("for pull does not delete, and one for push does not either", async () => {
    const path = `/v2/${NAME}/manifests/${DIGEST}`;
    expect((await ask("DELETE", path, { [NAME]: ["pull", "push"] })).status).toBe(401);
    expect((await ask("DELETE", path, { [NAME]: ["delete"] })).status).toBe(404);
  });

  it("mounts only from where it may pull, and tells nothing of what is there", async () => {
    const path = `/v2/source/a/blobs/uploads/?digest=${DIGEST}`;
    expect((await ask("POST", path, { "source/a": ["pull", "push"] }, "hello")).status).toBe(201);
    const mount = (to: string, from: string, access: Record<string, string[]>) =>
      ask("POST", `/v2/${to}/blobs/uploads/?mount=${DIGEST}&from=${from}`, access);
    const mine = { "target/b": ["pull", "push"] };
    const refused = await mount("target/b", "source/a", mine);
    expect(refused.headers.get("www-authenticate")).toBe(
      `${REALM},scope="repository:target/b:pull,push repository:source/a:pull",error="insufficient_scope"`,
    );
    const missing = await mount("target/b", "source/none", mine);
    expect([refused.status, missing.status]).toEqual([401, 401]);
    expect((await ask("HEAD", `/v2/target/b/blobs/${DIGEST}`, mine)).status).toBe(404);
    const mounted = await mount("target/b", "source/a", { ...mine, "source/a": ["pull"] });
    expect(mounted.status).toBe(201);
    expect((await ask("HEAD", `/v2/target/b/blobs/${DIGEST}`, mine)).status).toBe(200);
  });

  it("is named in the access log by its user, and appears in no log", async () => {
    const token = await tokenFor([], { sub: "bob" });
    const headers = { authorization: `Bearer ${token}` };
    await fetch(`${server.url}/v2/`, { headers });
    await fetch(`${server.url}/v2/${NAME}/tags/list`, { headers });
    await fetch(`${server.url}/v2/`, { headers: { authorization: `Bearer ${token}x` } });
    const text = server.accessLines.join("\n") + JSON.stringify(server.logged);
    expect(server.accessLines.some((line) => / - bob \[.*"GET \/v2\/ HTTP\/1.1" 200 /.test(line))).toBe(true);
    for (const part of token.split(".")) expect(text).not.toContain(part);
  });

  it("is taken by a hundred requests at once", async () => {
    const headers = { authorization: `Bearer ${await tokenFor([], { sub: "many" })}` };
    const answers = await Promise.all(
      Array.from({ length: 100 }, () => fetch(`${server.url}/v2/`, { headers })),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
  });

  it("larger than headers may be is refused by the size of the headers", async () => {
    const answer = await fetch(`${server.url}/v2/`, {
      headers: { authorization: `Bearer ${"a".repeat(40_000)}` },
    });
    expect(answer.status).toBe(431);
    const large = await tokenFor(
      Array.from({ length: 200 }, (_, index) => ({
        type: "repository",
        name: `group/project-${index}`,
        actions: ["pull"],
      })),
    );
    const taken = await fetch(`${server.url}/v2/`, { headers: { authorization: `Bearer ${large}` } });
    expect(taken.status).toBe(200);
  });
});
