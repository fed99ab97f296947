import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import type { GitLabApi } from "../../../../src/client/gitlab/gitlab-api.ts";
import { GitLabError } from "../../../../src/client/gitlab/gitlab-error.ts";
import { readGitLabProjects } from "../../../../src/client/gitlab/read-projects.ts";
import { CancelledError } from "../../../../src/errors.ts";
import {
  type FakeAnswer,
  type FakeGitLabOptions,
  type FakeProject,
  startFakeGitLab,
} from "../../../support/fake-gitlab.ts";
import { gitLabClient } from "../../../support/gitlab-client.ts";
import { TEST_CERTIFICATE, TEST_KEY } from "../../../support/test-certificate.ts";

const TOKEN = "glpat-Secret_of-Nobody99";
const closing: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

async function connect(options: Partial<FakeGitLabOptions> = {}, token = TOKEN) {
  const fake = await startFakeGitLab({ token: TOKEN, projects: [], ...options });
  const ca = options.tls?.cert;
  const client = gitLabClient(fake.url, token, { ca });
  closing.push(client.close, fake.close);
  return { fake, ...client };
}

function numbered(count: number): FakeProject[] {
  return Array.from({ length: count }, (_, index) => ({
    id: index + 1,
    path_with_namespace: `group/project-${index + 1}`,
  }));
}

async function ids(api: GitLabApi, isMember = false): Promise<number[]> {
  const found: number[] = [];
  for await (const { id } of api.projects({ isMember })) found.push(id);
  return found;
}

const html: FakeAnswer = {
  status: 200,
  headers: { "content-type": "text/html" },
  body: "<html>Sign in</html>",
};

describe("listing projects", () => {
  test.each([0, 1, 99, 100, 101, 250])("%i projects are listed once each", async (count) => {
    const { api } = await connect({ projects: numbered(count) });
    expect(await ids(api)).toEqual(numbered(count).map(({ id }) => id));
  });

  test.each([99, 100, 101, 200])("%i projects, where a proxy takes links away", async (count) => {
    const { api } = await connect({ projects: numbered(count), sendsLinks: false });
    expect(await ids(api)).toHaveLength(count);
  });

  test("pages smaller than asked for are all read", async () => {
    const { api, fake } = await connect({ projects: numbered(7), pageSize: 3 });
    expect(await ids(api)).toEqual([1, 2, 3, 4, 5, 6, 7]);
    expect(fake.requests).toHaveLength(3);
  });

  test("links that name another host are followed at the address that was given", async () => {
    const { api, fake } = await connect({
      ...{ projects: numbered(120), prefix: "/git", externalUrl: "http://gitlab.invalid" },
    });
    expect(await ids(api)).toHaveLength(120);
    expect(fake.requests.every(({ url }) => url.startsWith("/git/api/v4/projects?"))).toBe(true);
  });

  test("a server that gives the same page again is no endless list", async () => {
    const { api, fake } = await connect({
      intercept: ({ url }) => ({
        ...{ status: 200, body: JSON.stringify(numbered(100)) },
        headers: { "content-type": "application/json", link: `<http://x${url}>; rel="next"` },
      }),
    });
    await expect(ids(api)).rejects.toThrow("the same projects again");
    expect(fake.requests.length).toBeLessThanOrEqual(2);
  });

  test("empty pages with a link to themselves are no endless list", async () => {
    const { api, fake } = await connect({
      intercept: () => ({
        ...{ status: 200, body: "[]" },
        headers: { "content-type": "application/json", link: '<http://x/y?id_after=5>; rel="next"' },
      }),
    });
    expect(await ids(api)).toEqual([]);
    expect(fake.requests.length).toBeLessThanOrEqual(2);
  });

  test("only an administrator's token asks for the projects of others", async () => {
    const projects = numbered(3).map((project) => ({ ...project, isMember: project.id === 2 }));
    const all = await connect({ projects });
    expect(await readGitLabProjects(all.api)).toMatchObject({
      projects: [{ id: 1 }, { id: 2 }, { id: 3 }],
      notices: [],
    });
    const own = await connect({ projects, isAdmin: false });
    const { projects: found, notices } = await readGitLabProjects(own.api);
    expect(found.map(({ id }) => id)).toEqual([2]);
    expect(notices).toEqual([expect.stringContaining("no administrator")]);
  });

  test("a project is read with its policy, by any of the names that GitLab has for a pattern", async () => {
    const policy = {
      cadence: "7d",
      enabled: true,
      keep_n: 5,
      older_than: "14d",
      name_regex_keep: "",
      next_run_at: null,
    };
    const { api } = await connect({
      projects: [
        { id: 3, path_with_namespace: "A/b", container_expiration_policy: { ...policy, name_regex: "x.*" } },
        {
          id: 4,
          path_with_namespace: "a/c",
          container_expiration_policy: { ...policy, name_regex_delete: "y" },
        },
        {
          id: 5,
          path_with_namespace: "a/d",
          container_expiration_policy: null,
          container_registry_access_level: "disabled",
        },
      ],
    });
    expect(await api.project("A/b")).toEqual({
      ...{ id: 3, path: "A/b", creatorId: 1, isArchived: false, hasRegistry: true },
      policy: {
        ...{ enabled: true, cadence: "7d", keepN: 5, olderThan: "14d" },
        ...{ nameRegexDelete: "x.*", nameRegexKeep: "", nextRunAt: null },
      },
    });
    expect((await api.project(4))?.policy?.nameRegexDelete).toBe("y");
    expect(await api.project("a/d")).toMatchObject({ hasRegistry: false, policy: undefined });
    expect(await api.project("a/e")).toBeUndefined();
  });
});

describe("changing a policy", () => {
  test("only what is named changes, and the pattern goes under the name that GitLab knows", async () => {
    const { api, fake } = await connect({
      projects: [
        {
          ...{ id: 3, path_with_namespace: "a/b" },
          container_expiration_policy: {
            ...{ enabled: false, cadence: "7d", keep_n: 5 },
            older_than: "14d",
            name_regex: ".*",
          },
        },
      ],
    });
    const { policy } = await api.setPolicy(3, { enabled: true, keepN: null, nameRegexDelete: "dev-.*" });
    expect(policy).toMatchObject({
      enabled: true,
      cadence: "7d",
      keepN: null,
      olderThan: "14d",
      nameRegexDelete: "dev-.*",
    });
    expect(fake.requests[0]?.body).toEqual({
      container_expiration_policy_attributes: {
        ...{ enabled: true, keep_n: null, name_regex: "dev-.*", name_regex_delete: "dev-.*" },
      },
    });
  });

  test("a GitLab that says yes and keeps the old value has failed", async () => {
    const { api } = await connect({
      intercept: () => ({
        ...{ status: 200, headers: { "content-type": "application/json" } },
        body: JSON.stringify({
          id: 3,
          path_with_namespace: "a/b",
          container_expiration_policy: { enabled: false, cadence: "1d" },
        }),
      }),
    });
    await expect(api.setPolicy(3, { enabled: true, cadence: "1d" })).rejects.toThrow("keeps another enabled");
  });

  test("what GitLab's model refuses is told", async () => {
    const { api } = await connect({ projects: numbered(1) });
    await expect(api.setPolicy(1, { cadence: "2d" })).rejects.toThrow(/400.*cadence.*not included/);
  });
});

describe("answers that are none", () => {
  test.each<[string, FakeAnswer, RegExp]>([
    ["a page of sign-in", html, /not the API of GitLab.*web page/],
    ["a page that is not found", { ...html, status: 404 }, /not the API of GitLab.*404/],
    ["JSON of another program", { status: 200, body: '{"ok":true}' }, /not the API of GitLab.*no user/],
    [
      "half of an answer",
      { status: 200, headers: { "content-type": "application/json" }, body: '{"username":"ro' },
      /no JSON/,
    ],
    ["a wrong token", { status: 401, body: '{"message":"401 Unauthorized"}' }, /does not accept the token/],
    [
      "too few rights",
      { status: 403, body: '{"error":"insufficient_scope","error_description":"needs \\u001b[31mmore"}' },
      /\(403\): needs \?\[31mmore/,
    ],
    [
      "a way to elsewhere",
      { status: 302, headers: { location: "https://sso.example/login?x=1" } },
      /elsewhere, to https:\/\/sso.example$/,
    ],
  ])("%s", async (_name, answer, message) => {
    const { api, fake } = await connect({ intercept: () => answer });
    const error = await api.user().catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(GitLabError);
    expect(String(error)).toMatch(message);
    expect(fake.requests).toHaveLength(1);
  });

  test("a token that the answer repeats is not shown", async () => {
    const { api } = await connect({
      intercept: () => ({ status: 403, body: JSON.stringify({ message: `no ${TOKEN}!` }) }),
    });
    const error = await api.user().catch((thrown: unknown) => thrown);
    expect(String(error)).toContain("no ***!");
    expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toContain(TOKEN);
  });

  test("a token is not looked for in what is no refusal", async () => {
    const fake = await startFakeGitLab({ token: "e", projects: numbered(2) });
    const { api, close } = gitLabClient(fake.url, "e");
    closing.push(close, fake.close);
    expect((await api.project(2))?.path).toBe("group/project-2");
  });

  test.each([429, 500, 502, 503])("%i passes", async (status) => {
    const { api, waits } = await connect({
      intercept: (_request, count) => (count < 4 ? { status } : undefined),
    });
    expect(await api.user()).toEqual({ name: "root", isAdministrator: true });
    expect(waits).toEqual([500, 1000, 2000]);
  });

  test("it waits as long as it is told", async () => {
    const answers: FakeAnswer[] = [
      { status: 429, headers: { "retry-after": "7" } },
      { status: 429, headers: { "ratelimit-reset": "100" } },
      { status: 503, headers: { "retry-after": "99999" } },
    ];
    const { api, waits } = await connect({ intercept: (_request, count) => answers[count - 1] });
    await api.user();
    expect(waits).toEqual([7000, 1000, 900_000]);
  });

  test("it gives up in the end, and says why", async () => {
    const { api, waits } = await connect({
      intercept: () => ({ status: 502, body: "<html>Bad gateway</html>" }),
    });
    await expect(api.user()).rejects.toThrow("answers 502");
    expect(waits).toHaveLength(5);
  });

  test("a connection that breaks off is tried again", async () => {
    let count = 0;
    const server = createServer((socket) => {
      count++;
      if (count < 3) return socket.destroy();
      return socket.once("data", () =>
        socket.end('HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 19\r\n\r\n{"username":"late"}'),
      );
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const client = gitLabClient(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, TOKEN);
    closing.push(client.close, () => new Promise((resolve) => server.close(() => resolve())));
    expect(await client.api.user()).toEqual({ name: "late", isAdministrator: false });
    expect(count).toBe(3);
  });

  test("a silent server is left when somebody asks to stop", async () => {
    const stop = new AbortController();
    const { api } = await connect({
      intercept: () => {
        stop.abort();
        return false;
      },
    });
    await expect(api.user({ signal: stop.signal })).rejects.toThrow(CancelledError);
  });

  test("a certificate counts only if it is trusted", async () => {
    const tls = { cert: TEST_CERTIFICATE, key: TEST_KEY };
    const { api, fake } = await connect({ tls });
    expect(await api.user()).toEqual({ name: "root", isAdministrator: true });
    const stranger = gitLabClient(fake.url, TOKEN);
    closing.push(stranger.close);
    const error = await stranger.api.user().catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ hint: expect.stringContaining("--gitlab-ca") });
    expect(String(error)).toContain("is not trusted");
  });
});
