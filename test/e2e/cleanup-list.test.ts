import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { env, gitLab, projects, runCleanup, TOKEN } from "../support/cleanup-world.ts";
import type { FakeGitLabOptions } from "../support/fake-gitlab.ts";
import { storeOf } from "../support/store-of.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { TEST_CERTIFICATE, TEST_KEY } from "../support/test-certificate.ts";

describe("cleanup list", () => {
  const REPOSITORIES = [
    "group/app",
    "group/app/x/y",
    "a/b/c/d/image",
    "group/none/one",
    "strange/thing/inside",
  ];

  it("joins the store's repositories with GitLab's projects and their policies", async () => {
    const { configPath } = await storeOf(REPOSITORIES);
    const fake = await gitLab(projects(), { prefix: "/git", pageSize: 2 });
    const text = await runCleanup(["list", "--gitlab", fake.url, configPath]);
    expect(text).toMatchObject({ exitCode: 0 });
    expect(text.stdout.split("\n").map((line) => line.replace(/ {2,}/g, " | "))).toEqual([
      "PROJECT | REPOSITORIES | POLICY | NEXT RUN | DELETES | KEEPS",
      "Group/App | 2 | 7d | 2030-01-02T03:04:05.000Z | .* older than 14d | newest 5, v.*",
      "a/b/c/d | 1 | off | .* older than 14d | newest 5, v.*",
      "group/none | 1 | none",
      "strange/thing ? | 1 | none",
      "",
      "?: nobody says which part of the names is the project; it is taken for the first two components",
      "4 projects with repositories, 3 without a policy that is enabled",
    ]);

    const json = await runCleanup(["list", "--without-policy", "--json", "--gitlab", fake.url, configPath]);
    expect(json.stderr).not.toContain("warning");
    expect(JSON.parse(json.stdout)).toMatchObject({
      ...{ schemaVersion: 1, command: "cleanup list", total: 4, withoutPolicy: 3 },
      projects: [
        { project: "a/b/c/d", id: 2, isGuess: false, repositories: 1, policy: { enabled: false, keepN: 5 } },
        { project: "group/none", id: 4, isGuess: false, policy: null },
        { project: "strange/thing", isGuess: true, policy: null },
      ],
    });
  });

  it("asks GitLab who uses the registry where there is no store to look into", async () => {
    const fake = await gitLab(
      projects().map((project) => ({ ...project, hasImages: project.hasImages ?? project.id !== 2 })),
      { isAdmin: true },
    );
    const { stdout, exitCode } = await runCleanup(["list", "--json", "--ask-gitlab", "--gitlab", fake.url]);
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout).projects.map(({ id }: { id: number }) => id)).toEqual([1, 4, 5]);
    expect(fake.requests.some(({ url }) => url.includes("projects/6/registry"))).toBe(false);
  });

  it("lists with a file of policies too", async () => {
    const { folder, configPath } = await storeOf(REPOSITORIES);
    const file = join(folder, "policies.yml");
    await writeFile(
      file,
      "policies:\n  group/*:\n    name_regex_delete: dev-.*\n    keep_n: 3\n  a/b/c/d: { enabled: false }\n",
    );
    const { stdout, exitCode } = await runCleanup(["list", "--json", "--policies", file, configPath]);
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      ...{ total: 4, withoutPolicy: 2 },
      projects: [
        { project: "a/b/c/d", isGuess: false, policy: { enabled: false } },
        {
          project: "group/app",
          repositories: 2,
          policy: { enabled: true, nameRegexDelete: "dev-.*" },
          origin: expect.stringContaining("policies.yml:2:3"),
        },
        { project: "group/none" },
        { project: "strange/thing", isGuess: true, policy: null },
      ],
    });
  });

  it("says who would see more where the token is no administrator's", async () => {
    const { configPath } = await storeOf(["group/app"]);
    const fake = await gitLab(projects(), { isAdmin: false });
    const { stderr, exitCode } = await runCleanup(["list", "--gitlab", fake.url, configPath]);
    expect(exitCode).toBe(0);
    expect(stderr).toContain("warning: the token for ");
    expect(stderr).toContain("no administrator");
  });

  it.each<[string, string[], Record<string, string>, RegExp]>([
    ["no place of policies", ["list"], env, /say where policies are/],
    [
      "a job's token",
      ["list", "--gitlab", "https://gitlab.example"],
      { CI_JOB_TOKEN: TOKEN },
      /CI_JOB_TOKEN cannot/,
    ],
    [
      "a file that is not there",
      ["list", "--gitlab", "https://gitlab.example", "--gitlab-token-file", "/none"],
      env,
      /there is no such file/,
    ],
  ])("%s is wrong usage", async (_name, args, more, message) => {
    const { stderr, exitCode } = await runCleanup(args, more);
    expect(stderr).toMatch(message);
    expect(exitCode).toBe(2);
  });
});

describe("a GitLab that is none", () => {
  it.each<[string, FakeGitLabOptions["intercept"], RegExp]>([
    [
      "a page of sign-in",
      () => ({ status: 200, headers: { "content-type": "text/html" }, body: "<html>" }),
      /not the API of GitLab: it answers with a web page/,
    ],
    ["a wrong token", () => ({ status: 401, body: "{}" }), /does not accept the token/],
  ])("%s is told, with what to do", async (_name, intercept, message) => {
    const fake = await gitLab([], intercept ? { intercept } : {});
    const { stderr, exitCode } = await runCleanup(["list", "--ask-gitlab", "--gitlab", fake.url]);
    expect(stderr).toMatch(message);
    expect(stderr).not.toMatch(/^\s+at /m);
    expect(exitCode).toBe(1);
  });

  it("is trusted by --gitlab-ca and by NODE_EXTRA_CA_CERTS, and not without", async () => {
    const folder = await temporaryFolder();
    const [ca, token] = [join(folder, "ca.pem"), join(folder, "token")];
    await writeFile(ca, TEST_CERTIFICATE);
    await writeFile(token, `${TOKEN}\n`, { mode: 0o600 });
    const fake = await gitLab(projects(), { tls: { cert: TEST_CERTIFICATE, key: TEST_KEY } });
    const args = ["list", "--ask-gitlab", "--gitlab", fake.url, "--gitlab-token-file", token];
    const stranger = await runCleanup(args, {});
    expect(stranger.exitCode).toBe(1);
    expect(stranger.stderr).toMatch(/is not trusted[\s\S]*--gitlab-ca/);
    expect((await runCleanup([...args, "--gitlab-ca", ca], {})).exitCode).toBe(0);
    expect((await runCleanup(args, { NODE_EXTRA_CA_CERTS: ca })).exitCode).toBe(0);
    const wrong = await runCleanup([...args, "--gitlab-ca", token], {});
    expect(wrong.exitCode).toBe(2);
  });
});
