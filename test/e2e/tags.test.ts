import { existsSync, readdirSync, readFileSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { describe, expect, it, onTestFinished } from "vitest";
import { tagCurrentLinkPath, tagsPath } from "../../src/registry/paths.ts";
import { fillDisk } from "../support/full-disk.ts";
import { runOnTerminal } from "../support/run-on-terminal.ts";
import { runRegistryCtl } from "../support/run-registry-ctl.ts";
import { startServe } from "../support/serve-process.ts";
import { mountSmallDisk } from "../support/small-disk.ts";
import { TagTree } from "../support/tag-tree.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const NAME = "group/app";

async function world(): Promise<{
  tree: TagTree;
  config: string;
  folder: string;
  env: Record<string, string>;
}> {
  const folder = await temporaryFolder();
  const tree = new TagTree(join(folder, "store"), NAME);
  const first = tree.image("first", { created: "2024-01-02T03:04:05Z" });
  tree.tag("v1", first);
  tree.tag("v1.0", first);
  tree.tag("v2", tree.image("second", { created: "1970-01-01T00:00:00Z", labels: { team: "shop" } }));
  tree.tag("latest", tree.image("third"));
  return { tree, config: tree.config(), folder, env: { REGISTRY_CTL_STATE_DIR: join(folder, "state") } };
}

const tagsOf = (tree: TagTree): string[] => readdirSync(tree.at(tagsPath(NAME))).sort();

describe("tags list", () => {
  it("tells what there is as a table, as CSV, as JSON and as names", async () => {
    const { config, tree } = await world();
    const at = new Date("2025-05-06T07:08:09Z");
    utimesSync(tree.at(tagCurrentLinkPath(NAME, "v1")), at, at);
    const list = (...args: string[]) => runRegistryCtl(["tags", "list", "-q", "-c", config, ...args, NAME]);

    const table = await list("--match", "v1|latest");
    expect(table).toMatchObject({ exitCode: 0, stderr: "" });
    expect(table.stdout).toMatch(/^TAG +DIGEST +PLATFORMS +SIZE +CREATED +PUSHED +SAME DIGEST\n/);
    expect(table.stdout).toMatch(
      /\nv1 +sha256:[0-9a-f]{12} +linux\/amd64 +\d+ B +2024-01-02T03:04:05Z +2025-05-06T07:08:09Z +v1\.0$/m,
    );
    const csv = await list("--format", "csv", "--sort", "pushed");
    expect(csv.stdout.split("\n")[4]).toMatch(
      /^group\/app,v1,sha256:[0-9a-f]{64},application\/vnd\.oci\.image\.manifest\.v1\+json,linux\/amd64,\d+,2024-01-02T03:04:05Z,2025-05-06T07:08:09Z,v1\.0$/,
    );
    const json = JSON.parse((await list("--json", "--older-than", "1h")).stdout);
    expect(json).toMatchObject({ schemaVersion: 1, command: "tags list" });
    expect(json.repositories).toMatchObject([
      { repository: NAME, count: 4, names: ["v1"], tags: [{ name: "v1", siblings: ["v1.0"] }] },
    ]);
    expect((await list("--format", "names")).stdout).toBe("latest\nv1\nv1.0\nv2");
    expect((await list("--format", "names", "--sort", "created")).stdout).toBe("v1\nv1.0\nv2\nlatest");
  });

  it("tells of what cannot be read, and exits 3", async () => {
    const { config, tree } = await world();
    tree.write(tagCurrentLinkPath(NAME, "v2"), "");
    const { stderr, exitCode } = await runRegistryCtl(["tags", "list", "-c", config, NAME, "group/none"]);
    expect(exitCode).toBe(3);
    expect(stderr).toContain("warning: group/app:v2 has a broken link: nobody can pull it\n");
    expect(stderr).toContain("warning: group/none has no tags, or does not exist");
  });
});

describe("tags delete", () => {
  it("deletes from a list that was edited, logs it, and tells the history who did it", async () => {
    const { tree, config, folder, env } = await world();
    const names = await runRegistryCtl(["tags", "list", "-c", config, "--format", "names", NAME], { env });
    const file = join(folder, "list_o_tags.out");
    writeFileSync(file, `\ufeff${names.stdout}\nv1\nunknown\nno tag\n`.replaceAll("\n", "\r\n"));
    await execa("sed", ["-i", "/latest/d", file]);
    const log = join(folder, "deleted.jsonl");
    const args = ["tags", "delete", "-c", config, "--from-file", file, "--log", log, NAME];

    const refused = await runRegistryCtl(args, { env });
    expect(refused).toMatchObject({ exitCode: 2, stdout: "" });
    expect(refused.stderr).toContain("pass --yes");
    const planned = await runRegistryCtl([...args, "--dry-run"], { env });
    expect(planned).toMatchObject({ exitCode: 0 });
    expect(planned.stdout).toContain("would delete: 3 tags\nnothing was changed (dry run)");
    expect(tagsOf(tree)).toEqual(["latest", "v1", "v1.0", "v2"]);

    const done = await runRegistryCtl([...args, "--yes"], { env });

    expect(done.exitCode, done.stderr).toBe(0);
    expect(done.stderr).toContain(`${file}:6: "no tag" is no name of a tag`);
    expect(done.stdout).toContain("not there: unknown\nnamed more than once: v1\n");
    expect(done.stdout).toContain("2 manifests have no tag any more");
    expect(done.stdout).toMatch(/deleted: 3 tags in [\d.]+ s$/);
    expect(tagsOf(tree)).toEqual(["latest"]);
    const logged = readFileSync(log, "utf8").trim().split("\n");
    expect(logged.map((line) => JSON.parse(line))).toMatchObject(
      ["v1", "v1.0", "v2"].map((tag) => ({ repository: NAME, tag, outcome: "deleted" })),
    );
    const history = await runRegistryCtl(["history", "--json", "--tag", "v2", config], { env });
    expect(JSON.parse(history.stdout).entries).toMatchObject([
      {
        ...{ source: "audit", action: "tag-delete", repository: NAME, tag: "v2", command: "tags delete" },
        before: JSON.parse(logged[2] ?? "").digest,
        ranBy: { uid: process.getuid?.() },
      },
    ]);
    const left = await runRegistryCtl(["manifests", "list", "--json", "--untagged", "-c", config, NAME], {
      env,
    });
    expect(JSON.parse(left.stdout).manifests).toMatchObject([
      { lastTag: { until: expect.any(String) } },
      { lastTag: { until: expect.any(String) } },
    ]);
    expect(left.stdout).toContain('"labels":{"team":"shop"}');
    const verified = await runRegistryCtl(["verify", config], { env });
    expect(verified.exitCode, verified.stdout).toBe(0);
  });

  it("asks on a terminal, and does nothing at no", async () => {
    const { tree, config, env } = await world();
    const args = ["tags", "delete", "-c", config, NAME, "v1", "latest"];
    const no = await runOnTerminal(args, { answer: "n", env });
    expect(no.shown).toContain(`Delete 2 of 4 tags of ${NAME}`);
    expect(no.exitCode).toBe(130);
    expect(tagsOf(tree)).toHaveLength(4);
    const yes = await runOnTerminal(args, { answer: "y", env });
    expect(yes.exitCode, yes.shown).toBe(0);
    expect(tagsOf(tree)).toEqual(["v1.0", "v2"]);
  });

  it("goes by age, and keeps what is protected, what is new and what cannot be judged", async () => {
    const { tree, config, folder, env } = await world();
    for (const [index, tag] of ["dev-1", "dev-2", "dev-3", "dev-4"].entries()) {
      tree.tag(tag, tree.image(tag, { created: `2025-01-0${index + 1}T00:00:00Z` }));
      const at = new Date(Date.now() - (index + 1) * 86_400_000);
      utimesSync(tree.at(tagCurrentLinkPath(NAME, tag)), at, at);
    }
    const images = join(folder, "running");
    writeFileSync(images, `registry.example.com/${NAME}:dev-3 # runs\nregistry.example.com/${NAME}:gone\n`);
    const args = ["tags", "delete", "-c", config, "--yes", "--match", "dev-.*", "--protect", images];

    const byPush = await runRegistryCtl([...args, "--keep-newest", "1", "--older-than", "36h", NAME], {
      env,
    });
    expect(byPush).toMatchObject({ exitCode: 0 });
    expect(byPush.stderr).toContain(`--protect: nothing in ${NAME} is registry.example.com/${NAME}:gone`);
    expect(byPush.stdout).toContain("kept: 1 tag: it is protected");
    expect(tagsOf(tree)).toEqual(["dev-1", "dev-3", "latest", "v1", "v1.0", "v2"]);

    tree.write(blobOf(tree, "dev-1"), "damaged");
    const byCreation = await runRegistryCtl([...args, "--keep-newest", "1", "--age-by", "created", NAME], {
      env,
    });
    expect(byCreation.exitCode).toBe(3);
    expect(byCreation.stderr).toContain("kept: dev-1: when it was created cannot be read: ");
    expect(tagsOf(tree)).toHaveLength(6);

    writeFileSync(images, "# nothing\nnot an image\n");
    const wrong = await runRegistryCtl([...args, NAME], { env });
    expect(wrong.exitCode).toBe(2);
    expect(wrong.stderr).toContain(`${images}:2: not an image: "not an image"`);
    expect(tagsOf(tree)).toHaveLength(6);
  });

  it.each([
    [["v1", "--match", "v.*"], "cannot be given together"],
    [[], "which tags are to go is not said"],
    [["v1", "--keep", "v2"], "go with --match only"],
    [["--match", "v(1"], "invalid regular expression"],
    [["../v1"], "is no name of a tag"],
    [["--from-file", "/nowhere/list"], "there is no such file"],
    [["v1", "--log", "/nowhere/log"], "cannot be written"],
  ])("refuses %j", async (args, message) => {
    const { tree, config } = await world();
    const { exitCode, stderr } = await runRegistryCtl([
      "tags",
      "delete",
      "-c",
      config,
      "--yes",
      NAME,
      ...args,
    ]);
    expect(exitCode, stderr).toBe(2);
    expect(stderr).toContain(message);
    expect(tagsOf(tree)).toHaveLength(4);
  });

  it("exits 12 where a database knows what is tagged", async () => {
    const { tree, config } = await world();
    tree.write("/docker/registry/lockfiles/database-in-use", "");
    for (const args of [
      ["list"],
      ["delete", "--yes", "--match", ".*"],
      ["delete", "--dry-run", "--match", ".*"],
    ])
      expect((await runRegistryCtl(["tags", ...args, "-c", config, NAME])).exitCode).toBe(12);
    expect(tagsOf(tree)).toHaveLength(4);
  });

  it("is seen at once by a server that runs on the store", async () => {
    const { tree, env } = await world();
    const server = await startServe({ rootDirectory: tree.rootDirectory });
    const status = async (tag: string): Promise<number> =>
      (await fetch(`${server.url}/v2/${NAME}/manifests/${tag}`, { method: "HEAD" })).status;
    try {
      expect([await status("v1"), await status("v1.0")]).toEqual([200, 200]);
      const args = ["tags", "delete", "-c", server.configPath, "--yes", NAME, "v1"];
      const { exitCode, stderr } = await runRegistryCtl(args, { env });
      expect(exitCode, stderr).toBe(0);
      expect([await status("v1"), await status("v1.0")]).toEqual([404, 200]);
      const list = await (await fetch(`${server.url}/v2/${NAME}/tags/list`)).json();
      expect(list).toMatchObject({ tags: ["latest", "v1.0", "v2"] });
    } finally {
      await server.stop();
    }
  });

  it("works on a disk without room, and says that nothing can be written down", async () => {
    const disk = mountSmallDisk("size=4m");
    if (disk === undefined) return;
    onTestFinished(disk.unmount);
    const tree = new TagTree(join(disk.path, "store"), NAME);
    const digest = tree.image("a");
    for (const tag of ["v1", "v2", "v3"]) tree.tag(tag, digest);
    const config = tree.config();
    fillDisk(disk.path, "bytes");
    const env = { REGISTRY_CTL_STATE_DIR: join(disk.path, "state") };

    const args = ["tags", "delete", "-c", config, "--yes", "--match", "v[12]", NAME];
    const { exitCode, stdout, stderr } = await runRegistryCtl(args, { env });

    expect(exitCode, stderr).toBe(0);
    expect(stdout).toContain("deleted: 2 tags");
    expect(stderr).toContain("warning: ");
    expect(tagsOf(tree)).toEqual(["v3"]);
    expect(existsSync(tree.at(tagCurrentLinkPath(NAME, "v3")))).toBe(true);
  });
});

/** Path in the store of the manifest that a tag points to. */
function blobOf(tree: TagTree, tag: string): string {
  return blobPath(tree.read(tagCurrentLinkPath(NAME, tag)));
}

function blobPath(digest: string): string {
  const [algorithm, hex = ""] = digest.split(":");
  return `/docker/registry/v2/blobs/${algorithm}/${hex.slice(0, 2)}/${hex}/data`;
}
