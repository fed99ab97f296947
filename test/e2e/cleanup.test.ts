import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { blobDataPath, LOCKFILES_ROOT, tagCurrentLinkPath } from "../../src/registry/paths.ts";
import { expectTagsWhole, makeCleanupStore } from "../support/cleanup-store.ts";
import { expectSound } from "../support/expect-sound.ts";
import { runRegistryCtl } from "../support/run-registry-ctl.ts";

const POLICIES = `
policies:
  group/app:
    keep_n: 2
    older_than: 30d
    name_regex_delete: '.*'
    name_regex_keep: 'v.+'
  "group/*":
    name_regex_delete: 'main|prod'
    keep_n: 0
  off: { enabled: false, name_regex_delete: '.*' }
`;

const TAGS = {
  "group/app": { latest: 400, v1: 400, a: 1, b: 2, c: 3, d: 31, e: 50, undated: undefined },
  "group/app/worker": { old: 90, new: 1, newer: 0.5, newest: 0.1 },
  "group/other": { main: 1, "main-2": 1, "not-prod": 1, dev: 1 },
  off: { a: 900 },
  nobodys: { a: 900 },
};

const LEFT = {
  "group/app": ["a", "b", "c", "latest", "undated", "v1"],
  "group/app/worker": ["new", "newer", "newest"],
  "group/other": ["dev"],
  off: ["a"],
  nobodys: ["a"],
};

describe("cleanup", () => {
  it("deletes what no step keeps, leaves the rest whole, and says so in the history", async () => {
    const store = await makeCleanupStore(TAGS, POLICIES);
    const before = await store.tree.files();
    const plan = await store.run("plan");
    expect(plan.exitCode, plan.stderr).toBe(0);
    expect(plan.stdout).toContain("group/app:e");
    expect(plan.stdout).toContain("would delete: 6 tags of 3 repositories");
    expect(plan.stderr).toContain('"main|prod" has | outside a group');
    const dry = await store.run("run", "--dry-run");
    expect(dry.stdout.replace(/created.*/g, "")).toBe(plan.stdout.replace(/created.*/g, ""));
    expect(await store.tree.files()).toEqual(before);

    const run = await store.json("run");
    expect(run).toMatchObject({
      command: "cleanup run",
      dryRun: false,
      deleted: 6,
      failed: 0,
      withoutPolicy: 1,
    });
    for (const [repository, tags] of Object.entries(LEFT))
      expect(await store.tagsOf(repository)).toEqual(tags);
    await expectTagsWhole(store);
    await expectSound(store.rootDirectory);
    expect(run["repositories"]).toContainEqual(
      expect.objectContaining({
        ...{ repository: "group/app", project: "group/app", tags: 8 },
        kept: { latest: 1, name_regex_keep: 1, keep_n: 2, older_than: 2 },
      }),
    );
    expect(run["projects"]).toContainEqual(
      expect.objectContaining({ project: "off", state: "switched off" }),
    );

    const state = join(store.folder, "state");
    const history = await runRegistryCtl(["history", "--json", "--state-dir", state, store.configPath]);
    const { entries } = JSON.parse(history.stdout);
    const digest = store.pushed.get("group/app")?.get("e")?.digest;
    expect(entries).toContainEqual(
      expect.objectContaining({
        action: "tag-delete",
        repository: "group/app",
        tag: "e",
        before: digest,
        command: "cleanup run",
      }),
    );
    expect(entries).toContainEqual(
      expect.objectContaining({
        source: "command",
        command: "cleanup run",
        summary: "deleted 6 tags of 3 repositories",
      }),
    );
    const again = await store.json("run");
    expect(again).toMatchObject({ deleted: 0 });
  });

  it("prints nothing with --quiet when all is well", async () => {
    const store = await makeCleanupStore(TAGS, POLICIES);
    expect(await store.run("run", "--quiet")).toEqual({ stdout: "", stderr: "", exitCode: 0 });
    expect(await store.tagsOf("group/app")).toEqual(LEFT["group/app"]);
  });

  it("leaves what another tag on the same digest is needed for, and the digest", async () => {
    const store = await makeCleanupStore({ a: { old: 90 } }, "policies: { a: { name_regex_delete: old } }");
    const digest = store.pushed.get("a")?.get("old")?.digest;
    if (digest === undefined) throw new Error("nothing was pushed");
    await store.tree.repository("a").tag("sibling", digest);
    expect((await store.run("run")).exitCode).toBe(0);
    expect(await store.tagsOf("a")).toEqual(["sibling"]);
    expect(await store.tree.repository("a").missingFor(digest)).toEqual([]);
  });

  it("tries a policy on another day, and deletes nothing then", async () => {
    const store = await makeCleanupStore(
      { a: { x: 1, y: 5 } },
      "policies: { a: { name_regex_delete: .*, older_than: 30d } }",
    );
    const day = (days: number): string =>
      new Date(Date.now() + days * 86_400_000).toISOString().replace(/\.\d+Z$/, "Z");
    expect(await store.json("plan")).toMatchObject({ deleted: 0 });
    expect(await store.json("plan", "--as-of", day(27))).toMatchObject({ deleted: 1, dryRun: true });
    expect(await store.json("plan", "--as-of", day(40))).toMatchObject({ deleted: 2 });
    const refused = await store.run("run", "--as-of", day(40));
    expect(refused.exitCode).toBe(2);
    expect(refused.stderr).toContain("--as-of only tries a policy");
    expect(await store.tagsOf("a")).toEqual(["x", "y"]);
  });

  it("runs the policy of one project only, and says if there is none", async () => {
    const store = await makeCleanupStore(TAGS, POLICIES);
    expect(await store.json("run", "--project", "group/other")).toMatchObject({ deleted: 3 });
    expect(await store.tagsOf("group/app")).toHaveLength(8);
    const none = await store.run("run", "--project", "nobodys");
    expect(none).toMatchObject({ exitCode: 2 });
    expect(none.stderr).toContain("no policy is for nobodys");
    expect((await store.run("plan", "--project", "nowhere")).stderr).toContain(
      "there is no repository nowhere",
    );
  });

  it("keeps what --protect names, and counts it all the same", async () => {
    const store = await makeCleanupStore(
      { a: { x: 90, y: 91, z: 92 } },
      "policies: { a: { name_regex_delete: .*, keep_n: 1 } }",
    );
    const file = join(store.folder, "running.txt");
    const digest = store.pushed.get("a")?.get("z")?.digest;
    await writeFile(file, `# what runs\nregistry.example.com/a@${digest}\n`);
    expect((await store.run("run", "--protect", file)).exitCode).toBe(0);
    expect(await store.tagsOf("a")).toEqual(["x", "z"]);
    expect(await store.json("explain", "a:z", "--protect", file)).toMatchObject({ decidedBy: "protected" });
  });

  it("deletes as long as it may, also where that is longer than any timer", async () => {
    const store = await makeCleanupStore({ a: { x: 900 } }, "policies: { a: { name_regex_delete: .* } }");
    const run = await store.run("run", "--delete-tags-service-timeout", "999999999");
    expect(run.exitCode, run.stderr).toBe(0);
    expect(await store.tagsOf("a")).toEqual([]);
  });
});

describe("cleanup explain", () => {
  it("names the step that decides, the policy that is switched off, and that there is none", async () => {
    const store = await makeCleanupStore(TAGS, POLICIES);
    const expected = {
      "group/app:latest": "latest",
      "group/app:v1": "name_regex_keep",
      "group/app:undated": "keep_n",
      "group/app:c": "older_than",
      "group/app:e": "delete",
      "group/other:dev": "name_regex_delete",
      "group/other:main-2": "delete",
      "off:a": "switched_off",
      "nobodys:a": "no_policy",
    };
    for (const [reference, decidedBy] of Object.entries(expected)) {
      const isDeleted = decidedBy === "delete";
      expect(await store.json("explain", reference)).toMatchObject({ decidedBy, isDeleted });
    }
    const { stdout } = await store.run("explain", "group/app:e");
    expect(stdout.startsWith("group/app:e goes: no step keeps it")).toBe(true);
  });

  it("shows the steps with numbers and dates", async () => {
    const store = await makeCleanupStore(TAGS, POLICIES);
    const { stdout } = await store.run("explain", "group/app:c");
    expect(stdout).toContain('passes  name_regex_keep    its name does not match "v.+"');
    expect(stdout).toContain(
      "passes  keep_n             it is number 4 of 6, the newest first, and the newest 2 stay",
    );
    expect(stdout).toMatch(
      /stays {3}older_than {9}it was created .*, 3 d ago, and what was created before .* may go/,
    );
  });

  it("has no answer for what is not there", async () => {
    const store = await makeCleanupStore(TAGS, POLICIES);
    const missing = await store.run("explain", "group/app:none");
    expect(missing).toMatchObject({ exitCode: 1, stdout: "" });
    expect(missing.stderr).toContain("there is no tag group/app:none");
    expect((await store.run("explain", "group/app")).exitCode).toBe(2);
  });
});

describe("cleanup refuses", () => {
  it("policies that are wrong, with every place", async () => {
    const store = await makeCleanupStore(
      { a: { x: 1 } },
      "policies:\n  a:\n    keepn: 1\n    name_regex_delete: 'a(b'\n",
    );
    const { exitCode, stderr } = await store.run("run");
    expect(exitCode).toBe(10);
    expect(stderr).toContain("policies.yml:3:5: there is no key policies.a.keepn; did you mean keep_n?");
    expect(stderr).toContain(
      "policies.yml:4:26: policies.a.name_regex_delete is an invalid regular expression",
    );
    expect(await store.tagsOf("a")).toEqual(["x"]);
  });

  it("to guess where policies are", async () => {
    const store = await makeCleanupStore({ a: { x: 1 } }, "policies: { a: {} }");
    const without = await runRegistryCtl(["cleanup", "run", "-c", store.configPath]);
    expect(without).toMatchObject({ exitCode: 2 });
    const missing = await runRegistryCtl([
      "cleanup",
      "run",
      "--policies",
      "/none.yml",
      "-c",
      store.configPath,
    ]);
    expect(missing).toMatchObject({ exitCode: 10 });
    expect(missing.stderr).toContain("there is no such file");
  });

  it("a store that a metadata database describes", async () => {
    const store = await makeCleanupStore({ a: { x: 900 } }, "policies: { a: { name_regex_delete: .* } }");
    await store.tree.driver.put(`${LOCKFILES_ROOT}/database-in-use`, Buffer.from(""));
    for (const verb of ["run", "plan"]) expect((await store.run(verb)).exitCode).toBe(12);
    expect((await store.run("explain", "a:x")).exitCode).toBe(12);
    expect(await store.tagsOf("a")).toEqual(["x"]);
  });

  it("to delete more than --max-delete", async () => {
    const store = await makeCleanupStore(
      { a: { w: 1, x: 2, y: 3, z: 4 } },
      "policies: { a: { name_regex_delete: .*, keep_n: 2 } }",
    );
    const refused = await store.run("run", "--max-delete", "49%");
    expect(refused.exitCode).toBe(12);
    expect(refused.stderr).toContain("2 of 4 tags (50.0%) would go, at most 49% may");
    expect(await store.tagsOf("a")).toHaveLength(4);
    expect((await store.run("run", "--max-delete", "50%")).exitCode).toBe(0);
    expect(await store.tagsOf("a")).toEqual(["w", "x"]);
  });

  it("to write to a store that is only to be read", async () => {
    const store = await makeCleanupStore({ a: { x: 900 } }, "policies: { a: { name_regex_delete: .* } }");
    expect((await store.run("run", "--read-only-store")).exitCode).toBe(2);
    expect(await store.tagsOf("a")).toEqual(["x"]);
  });
});

describe("cleanup, where something is broken", () => {
  it("deletes nothing of a repository in which a date cannot be read, and goes on with the others", async () => {
    const policies = "policies: { '*': { name_regex_delete: .*, keep_n: 1 } }";
    const store = await makeCleanupStore({ a: { x: 1, y: 2, z: 3 }, b: { x: 1, y: 2 } }, policies);
    const digest = store.pushed.get("a")?.get("y")?.digest;
    if (digest === undefined) throw new Error("nothing was pushed");
    await store.tree.driver.put(blobDataPath(digest), Buffer.from("not a manifest"));
    const plan = await store.run("plan");
    expect(plan.exitCode).toBe(3);
    const run = await store.run("run", "--quiet");
    expect(run.exitCode).toBe(3);
    expect(run.stderr).toMatch(/failed: a: when 1 tag .*such as y .*nothing is deleted here/);
    expect(await store.tagsOf("a")).toEqual(["x", "y", "z"]);
    expect(await store.tagsOf("b")).toEqual(["x"]);
    expect(await store.json("explain", "a:z")).toMatchObject({ decidedBy: "unreadable", isDeleted: false });
  });

  it("keeps a tag whose manifest is gone, or whose link is broken, and does not count it", async () => {
    const store = await makeCleanupStore(
      { a: { w: 1, x: 2, y: 3, z: 4 } },
      "policies: { a: { name_regex_delete: .*, keep_n: 1 } }",
    );
    const gone = store.pushed.get("a")?.get("w")?.digest;
    if (gone === undefined) throw new Error("nothing was pushed");
    await store.tree.driver.delete(blobDataPath(gone));
    await store.tree.driver.put(tagCurrentLinkPath("a", "x"), Buffer.from("nonsense"));
    const report = await store.json("run");
    expect(report).toMatchObject({ deleted: 1, failed: 0 });
    expect(await store.tagsOf("a")).toEqual(["w", "x", "y"]);
  });
});
