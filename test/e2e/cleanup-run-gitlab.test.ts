import { describe, expect, it } from "vitest";
import { env, gitLab, runCleanup } from "../support/cleanup-world.ts";
import { runRegistryCtl } from "../support/run-registry-ctl.ts";
import { storeOf } from "../support/store-of.ts";

const ALL = {
  enabled: true,
  cadence: "1d",
  keep_n: null,
  older_than: null,
  name_regex: ".*",
  name_regex_keep: "",
};

describe("cleanup run with GitLab's policies", () => {
  it("deletes what the policy of each project says, and nothing of a policy that it does not understand", async () => {
    const { configPath, tree } = await storeOf([]);
    for (const name of ["group/app/x", "group/off", "group/odd", "group/bad", "no/body"]) {
      await tree.repository(name).image(name, [name], { tag: "old" });
    }
    const fake = await gitLab(
      [
        { id: 1, path_with_namespace: "Group/App", container_expiration_policy: ALL },
        { id: 2, path_with_namespace: "group/off", container_expiration_policy: { ...ALL, enabled: false } },
        {
          id: 3,
          path_with_namespace: "group/odd",
          container_expiration_policy: { ...ALL, older_than: "2fortnights" },
        },
        {
          id: 4,
          path_with_namespace: "group/bad",
          container_expiration_policy: { ...ALL, name_regex: "a(?=b)" },
        },
      ],
      { pageSize: 3 },
    );
    const args = ["run", "--gitlab", fake.url, "--json", configPath];
    const { stdout, stderr, exitCode } = await runCleanup(args);
    expect(exitCode, stderr).toBe(0);
    const report = JSON.parse(stdout);
    expect(report.deleted).toBe(1);
    expect(report.repositories).toMatchObject([{ repository: "group/app/x", deleted: [{ tag: "old" }] }]);
    expect(report.warnings).toEqual([
      expect.stringMatching(/\/Group\/App: without keep_n and older_than/),
      expect.stringMatching(/\/group\/odd: the policy is left out: its older_than "2fortnights"/),
      expect.stringMatching(/\/group\/bad: the policy is left out: invalid regular expression/),
    ]);
    const tags = await runRegistryCtl([
      "tags",
      "list",
      "group/odd",
      "group/bad",
      "group/off",
      "--format",
      "names",
      "-c",
      configPath,
    ]);
    expect(tags.stdout.match(/old/g)).toHaveLength(3);
  });

  it("asks GitLab for the projects only that are named", async () => {
    const { configPath, tree } = await storeOf([]);
    for (const name of ["group/app/x", "group/other"]) {
      await tree.repository(name).image(name, [name], { tag: "old" });
    }
    const fake = await gitLab([
      { id: 1, path_with_namespace: "Group/App", container_expiration_policy: ALL },
      { id: 2, path_with_namespace: "group/other", container_expiration_policy: ALL },
    ]);
    const words = ["run", "--gitlab", fake.url, "--json", configPath, "--project"];
    const { stdout, stderr, exitCode } = await runCleanup([...words, "group/app"]);
    expect(exitCode, stderr).toBe(0);
    expect(JSON.parse(stdout).repositories).toMatchObject([{ repository: "group/app/x", deleted: [{}] }]);
    expect(fake.requests.map(({ url }) => url)).toEqual(["/api/v4/projects/group%2Fapp"]);
    const unknown = await runCleanup([...words, "group/none"]);
    expect(unknown.exitCode).toBe(2);
    expect(unknown.stderr).toContain("has no project group/none, or the token may not see it");
  });

  it("deletes nothing when GitLab's list breaks off", async () => {
    const { configPath, tree } = await storeOf([]);
    await tree.repository("group/app").image("x", ["x"], { tag: "old" });
    const projects = Array.from({ length: 4 }, (_, index) => ({
      ...{ id: index + 1, path_with_namespace: index === 0 ? "group/app" : `group/p${index}` },
      container_expiration_policy: ALL,
    }));
    const fake = await gitLab(projects, {
      pageSize: 2,
      intercept: ({ url }) =>
        url.includes("id_after")
          ? { status: 403, headers: { "content-type": "application/json" }, body: "{}" }
          : undefined,
    });
    const { stderr, exitCode } = await runCleanup(["run", "--gitlab", fake.url, configPath], env);
    expect(stderr).toContain("refuses listing projects (403)");
    expect(exitCode).toBe(1);
    expect(
      await tree.has("/docker/registry/v2/repositories/group/app/_manifests/tags/old/current/link"),
    ).toBe(true);
  });
});
