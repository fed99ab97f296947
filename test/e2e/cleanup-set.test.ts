import { describe, expect, it } from "vitest";
import { env, gitLab, projects, puts, runCleanup } from "../support/cleanup-world.ts";
import { runOnTerminal } from "../support/run-on-terminal.ts";

describe("cleanup set", () => {
  it("shows what would change, changes it, and then has nothing left to do", async () => {
    const fake = await gitLab(projects());
    const args = [
      "set",
      "--gitlab",
      fake.url,
      "--all",
      "--enabled",
      "--keep-n",
      "10",
      "--name-regex-delete",
      "dev-.*",
    ];
    const dry = await runCleanup([...args, "--dry-run"]);
    expect(dry).toMatchObject({ exitCode: 0 });
    expect(dry.stdout.split("\n")).toEqual([
      ...["Group/App", "  keep_n: 5 -> 10", "  name_regex_delete: .* -> dev-.*", ""],
      ...["a/b/c/d", "  enabled: no -> yes", "  keep_n: 5 -> 10", "  name_regex_delete: .* -> dev-.*", ""],
      ...["group/never", "group/none", "  has no policy yet: what is not said gets GitLab's defaults"],
      ...["  enabled: yes", "  keep_n: 10", "  name_regex_delete: dev-.*", ""],
      ...["left out: 1 project: archived", "left out: 1 project: its container registry is switched off"],
      ...["would change: 4 projects", "nothing was changed (dry run)"],
    ]);
    expect(puts(fake)).toEqual([]);

    const unasked = await runCleanup(args);
    expect(unasked.exitCode).toBe(2);
    expect(unasked.stderr).toContain("--yes");
    expect(puts(fake)).toEqual([]);

    const real = await runCleanup([...args, "--yes", "--json"]);
    expect(real.exitCode, real.stderr).toBe(0);
    const report = JSON.parse(real.stdout);
    expect(report.changed.map(({ project }: { project: string }) => project)).toEqual([
      ...["Group/App", "a/b/c/d", "group/never", "group/none"],
    ]);
    expect(report.changed[0].policy).toMatchObject({
      cadence: "7d",
      keepN: 10,
      olderThan: "14d",
      nextRunAt: "2031-02-03T04:05:06.789Z",
    });
    const wanted = { enabled: true, keep_n: 10, name_regex: "dev-.*", name_regex_delete: "dev-.*" };
    expect(puts(fake)).toEqual([wanted, wanted, wanted, wanted]);

    const again = await runCleanup([...args, "--yes"]);
    expect(again).toMatchObject({ exitCode: 0 });
    expect(again.stdout).toContain("changed: 0 projects");
    expect(puts(fake)).toHaveLength(4);
  });

  it("names some projects, also those that --all leaves out, whatever is written with capital letters", async () => {
    const fake = await gitLab(projects());
    const named = ["--project", "group/app", "--project", "Group/App", "--project", "group/old"];
    const { stdout, exitCode } = await runCleanup([
      "set",
      "--gitlab",
      fake.url,
      ...named,
      "--disabled",
      "--older-than",
      "none",
      "--yes",
    ]);
    expect(exitCode).toBe(0);
    expect(stdout).toContain("changed: 2 projects");
    expect(puts(fake)).toEqual([
      { enabled: false, older_than: null },
      { enabled: false, older_than: null },
    ]);
    const missing = await runCleanup([
      "set",
      "--gitlab",
      fake.url,
      "--project",
      "group/no",
      "--enabled",
      "--yes",
    ]);
    expect(missing.exitCode).toBe(2);
    expect(missing.stderr).toContain("has no project group/no");
  });

  it("takes only those without a policy", async () => {
    const fake = await gitLab(projects());
    const { stdout } = await runCleanup([
      "set",
      "--gitlab",
      fake.url,
      "--all",
      "--without-policy",
      "--enabled",
      "--dry-run",
      "--json",
    ]);
    expect(JSON.parse(stdout)).toMatchObject({
      changed: [{ project: "a/b/c/d" }, { project: "group/never" }, { project: "group/none" }],
      unchanged: ["Group/App"],
    });
  });

  it("goes on behind a project that fails, exits 3, and does the rest the next time", async () => {
    let isBroken = true;
    const fake = await gitLab(projects(), {
      intercept: ({ method, url }) =>
        isBroken && method === "PUT" && url.endsWith("/projects/2")
          ? {
              status: 403,
              headers: { "content-type": "application/json" },
              body: '{"message":"403 Forbidden"}',
            }
          : undefined,
    });
    const args = ["set", "--gitlab", fake.url, "--all", "--cadence", "1month", "--yes"];
    const first = await runCleanup(args);
    expect(first.exitCode).toBe(3);
    expect(first.stderr).toMatch(/^failed: a\/b\/c\/d: .*\(403\)/m);
    expect(first.stdout).toContain("changed: 3 projects");
    isBroken = false;
    const second = await runCleanup([...args, "--json"]);
    expect(second.exitCode).toBe(0);
    expect(JSON.parse(second.stdout)).toMatchObject({ changed: [{ project: "a/b/c/d" }], failed: [] });
  });

  it("stops where no other project would fare better", async () => {
    const many = Array.from({ length: 30 }, (_, index) => ({
      id: index + 1,
      path_with_namespace: `group/p${index}`,
    }));
    let count = 0;
    const fake = await gitLab(many, {
      intercept: ({ method }) => {
        if (method !== "PUT") return undefined;
        count++;
        return count > 5 ? { status: 401, body: '{"message":"401 Unauthorized"}' } : undefined;
      },
    });
    const { stdout, exitCode } = await runCleanup([
      "set",
      "--gitlab",
      fake.url,
      "--all",
      "--enabled",
      "--yes",
      "--json",
    ]);
    expect(exitCode).toBe(3);
    const { changed, failed, left } = JSON.parse(stdout);
    expect(changed).toHaveLength(5);
    expect(failed.length).toBeLessThanOrEqual(4);
    expect(changed.length + failed.length + left.length).toBe(30);
  });

  it("warns of what the policy will do that people do not expect", async () => {
    const fake = await gitLab(projects());
    const { stderr } = await runCleanup([
      ...[
        "set",
        "--gitlab",
        fake.url,
        "--all",
        "--enabled",
        "--dry-run",
        "--keep-n",
        "none",
        "--older-than",
        "none",
      ],
      ...["--name-regex-delete", "main|prod"],
    ]);
    expect(stderr).toMatch(/warning: in 4 projects: name_regex_delete "main\|prod" has \| outside a group/);
    expect(stderr).toMatch(/warning: in 4 projects: without keep_n and older_than every tag/);
  });

  it.each<[string, string[], RegExp]>([
    ["a cadence", ["--cadence", "2d"], /1d, 7d, 14d, 1month, 3month/],
    ["a pattern", ["--name-regex-delete", "a(?=b)"], /invalid regular expression/],
    ["nothing at all", [], /nothing to set/],
  ])("%s that GitLab does not take is wrong usage", async (_name, args, message) => {
    const { stderr, exitCode } = await runCleanup([
      "set",
      "--gitlab",
      "https://gitlab.example",
      "--all",
      "--yes",
      ...args,
    ]);
    expect(stderr).toMatch(message);
    expect(exitCode).toBe(2);
  });

  it("asks on a terminal, and changes nothing at no", async () => {
    const fake = await gitLab(projects());
    const args = ["cleanup", "set", "--gitlab", fake.url, "--project", "group/none", "--enabled"];
    const { shown, exitCode } = await runOnTerminal(args, { env, answer: "n" });
    expect(shown).toContain("enabled: yes");
    expect(exitCode).toBe(130);
    expect(puts(fake)).toEqual([]);
  });
});
