import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { describe, expect, it, onTestFinished } from "vitest";
import { FilesystemDriver } from "../../src/storage/filesystem/filesystem-driver.ts";
import { expectSound } from "../support/expect-sound.ts";
import { findFreePort } from "../support/free-port.ts";
import { startGoRegistry } from "../support/go-registry.ts";
import { describeWithPrograms, programPath } from "../support/programs.ts";
import { pullableTags } from "../support/pullable-tags.ts";
import { type PushedImage, RegistryHttp } from "../support/registry-http.ts";
import { RegistryTree } from "../support/registry-tree.ts";
import { type ProgramResult, runRegistryCtl } from "../support/run-registry-ctl.ts";
import { startServe, writeServeConfig } from "../support/serve-process.ts";
import { startRegistryCtl } from "../support/start-registry-ctl.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const LAYER = [Buffer.alloc(1000, "x")];

/** A store that nobody serves: two repositories of a project, and one beside it. */
async function stoppedWorld() {
  const rootDirectory = join(await temporaryFolder(), "registry");
  const driver = new FilesystemDriver({ rootDirectory });
  const tree = new RegistryTree(driver);
  await tree.repository("old/app").image("app", ["base", "app"], { tag: "v1" });
  await tree.repository("old/app").image("app 2", ["base", "app 2"], { tag: "v2" });
  await tree.repository("old/app/tools").image("tools", ["base"], { tag: "v1" });
  await tree.repository("other").image("other", ["base", "other"], { tag: "v1" });
  const configPath = await writeServeConfig({ rootDirectory, port: await findFreePort() });
  const run = (...more: string[]): Promise<ProgramResult> =>
    runRegistryCtl(["-c", configPath, "--state-dir", `${rootDirectory}.state`, ...more]);
  const tags = async (name: string) => Object.keys((await pullableTags(driver, name)).whole).sort();
  return { rootDirectory, driver, tree, configPath, run, tags };
}

describe("move in a store that nobody serves", () => {
  it("says what it would move, moves exactly that, and leaves a sound store", async () => {
    const { rootDirectory, run, tags, tree } = await stoppedWorld();
    const files = await tree.files();
    const dry = await run("move", "--dry-run", "old/app", "new/app");
    expect(dry.exitCode, dry.stderr).toBe(0);
    expect(dry.stdout).toContain("would move: 1 repository, 2 tags, 2 manifests, 5 links of blobs");
    expect(await tree.files()).toEqual(files);
    const refused = await run("move", "old/app", "new/app");
    expect(refused.exitCode).toBe(2);
    expect(refused.stderr).toContain("--yes");
    const moved = await run("move", "--yes", "old/app", "new/app");
    expect(moved.exitCode, moved.stderr).toBe(0);
    expect(moved.stdout).toContain("moved: 1 repository, 2 tags, 2 manifests, 5 links of blobs");
    expect(await tags("new/app")).toEqual(["v1", "v2"]);
    expect(await tags("old/app")).toEqual([]);
    // Below the old name, and not asked for.
    expect(await tags("old/app/tools")).toEqual(["v1"]);
    await expectSound(rootDirectory);
    const again = await run("move", "--yes", "old/app", "new/app");
    expect(again.exitCode).toBe(2);
    expect(again.stderr).toContain("there is no repository old/app");
  });

  it("moves a project, and leaves no folder behind", async () => {
    const { rootDirectory, run, tags } = await stoppedWorld();
    const moved = await run("move", "--yes", "--json", "--project", "old", "new/group");
    expect(moved.exitCode, moved.stderr).toBe(0);
    expect(JSON.parse(moved.stdout)).toMatchObject({
      ...{ schemaVersion: 1, command: "move", kind: "move", dryRun: false, project: true, resumed: false },
      amounts: { repositories: 2, tags: 3, manifests: 3, blobs: 7, historyLinks: 3 },
      ways: { folders: 2, links: 0 },
    });
    expect(await tags("new/group/app")).toEqual(["v1", "v2"]);
    expect(await tags("new/group/app/tools")).toEqual(["v1"]);
    expect(await readdir(join(rootDirectory, "docker/registry/v2/repositories"))).toEqual(["new", "other"]);
    await expectSound(rootDirectory);
  });

  it("refuses a name that is there, adds to it with --merge, and lists tags that differ", async () => {
    const { run, tags, tree, rootDirectory } = await stoppedWorld();
    const files = await tree.files();
    const there = await run("move", "--yes", "old/app", "other");
    expect(there.exitCode).toBe(12);
    expect(there.stderr).toContain("there is a repository other already");
    const differs = await run("move", "--yes", "--merge", "old/app", "other");
    expect(differs.exitCode).toBe(12);
    expect(differs.stderr).toMatch(/1 tag would have to point to two manifests: old\/app:v1 .* and other:v1/);
    expect(await tree.files()).toEqual(files);
    await tree.repository("other").untag("v1");
    const merged = await run("move", "--yes", "--merge", "--json", "old/app", "other");
    expect(merged.exitCode, merged.stderr).toBe(0);
    expect(JSON.parse(merged.stdout).ways).toEqual({ folders: 0, links: 1 });
    expect(await tags("other")).toEqual(["v1", "v2"]);
    await expectSound(rootDirectory);
  });

  it("refuses names that are none, and a project that would move into itself", async () => {
    const { run } = await stoppedWorld();
    for (const words of [
      ["old/app", "New"],
      ["old/app", "old/app"],
      ["--project", "old", "old/app/x"],
      ["old/app"],
      ["--status", "old"],
    ]) {
      const { exitCode, stderr } = await run("move", "--yes", ...words);
      expect(exitCode, `${words}: ${stderr}`).toBeGreaterThan(0);
      expect(exitCode, `${words}: ${stderr}`).toBeLessThan(3);
    }
  });

  it("refuses where a database has the metadata", async () => {
    const { run, driver } = await stoppedWorld();
    await driver.put("/docker/registry/lockfiles/database-in-use", Buffer.from(""));
    expect((await run("move", "--yes", "old/app", "new")).exitCode).toBe(12);
  });
});

describeWithPrograms(["docker-registry", "skopeo"], "move --hold", () => {
  it("parks a project that no collection touches, and finishes under the new name", async () => {
    const { rootDirectory, run, tags, tree, configPath } = await stoppedWorld();
    const blobs = await tree.files("/docker/registry/v2/blobs");
    const held = await run("move", "--yes", "--hold", "--project", "old", "new");
    expect(held.exitCode, held.stderr).toBe(0);
    expect(held.stdout).toContain("registry-ctl move --finish old new");
    expect(await tags("old/app")).toEqual([]);
    const status = await run("move", "--status");
    expect(status.stdout).toContain("old, to become new: 2 repositories parked");
    const collected = await run("garbage-collect", "-m", "--grace", "0s", configPath);
    expect(collected.exitCode, collected.stderr).toBe(0);
    await execa(programPath("docker-registry"), ["garbage-collect", "-m", configPath]);
    expect(await tree.files("/docker/registry/v2/blobs")).toEqual(blobs);
    await expectSound(rootDirectory);
    const ours = await startServe({ rootDirectory });
    const http = new RegistryHttp(ours.url);
    expect(JSON.parse((await http.send("GET", "/v2/_catalog")).body.toString())).toEqual({
      repositories: ["other"],
    });
    expect((await http.send("GET", "/v2/REGISTRY-CTL-PARKED/old/app/manifests/v1")).status).toBe(400);
    http.close();
    await ours.stop();
    const finished = await run("move", "--yes", "--finish");
    expect(finished.exitCode, finished.stderr).toBe(0);
    expect(await tags("new/app")).toEqual(["v1", "v2"]);
    expect((await run("move", "--status")).stdout).toContain("nothing is parked");
    await expectSound(rootDirectory);
    const go = await startGoRegistry({ rootDirectory, readOnly: true });
    onTestFinished(async () => void (await go.stop()));
    const inspected = await execa(programPath("skopeo"), [
      ...["inspect", "--tls-verify=false", "--raw"],
      `docker://${new URL(go.url).host}/new/app:v1`,
    ]);
    expect(JSON.parse(inspected.stdout).layers).toHaveLength(2);
  });

  it("puts back what is parked, also when nothing is remembered of it", async () => {
    const { rootDirectory, run, tags } = await stoppedWorld();
    expect((await run("move", "--yes", "--hold", "old/app")).exitCode).toBe(0);
    const forgotten = await runRegistryCtl([
      ...["-c", `${rootDirectory}.config.yml`, "--state-dir", `${rootDirectory}.other-state`],
      ...["move", "--yes", "--finish", "--back", "old/app"],
    ]);
    expect(forgotten.exitCode, forgotten.stderr).toBe(0);
    expect(await tags("old/app")).toEqual(["v1", "v2"]);
    await expectSound(rootDirectory);
  });
});

describe("move beside a running server", () => {
  it("loses nothing that was acknowledged under either name", { timeout: 60_000 }, async () => {
    const rootDirectory = join(await temporaryFolder(), "registry");
    const server = await startServe({ rootDirectory, workers: 2 });
    const http = new RegistryHttp(server.url);
    const pushed: PushedImage[] = [];
    for (let tag = 0; tag < 10; tag++) pushed.push(await http.pushImage("old/app", `v${tag}`, LAYER));
    let isOver = false;
    const pushing = ["old/app", "new/app"].map(async (name) => {
      for (let number = 0; !isOver; number++) {
        try {
          const layer = [Buffer.from(`${name} ${number}`)];
          pushed.push(await http.pushImage(name, `${name.slice(0, 3)}-${number}`, layer));
        } catch (error) {
          // Held, or what was pushed before the manifest has gone with the old name.
          if (!/\b(503|404|400)\b/.test(String(error))) throw error;
        }
      }
    });
    const run = startRegistryCtl([
      ...["-c", server.configPath, "--state-dir", `${rootDirectory}.state`],
      ...["move", "--yes", "--merge", "old/app", "new/app"],
    ]);
    const { exitCode, stderr } = await run.result;
    isOver = true;
    await Promise.all(pushing);
    expect(exitCode, stderr).toBe(0);
    const driver = new FilesystemDriver({ rootDirectory });
    const found = [await pullableTags(driver, "old/app"), await pullableTags(driver, "new/app")];
    for (const { tag, manifestDigest } of pushed)
      expect(
        found.some(({ whole }) => whole[tag] === manifestDigest),
        tag,
      ).toBe(true);
    expect(found.flatMap(({ broken }) => broken)).toEqual([]);
    // Whoever pulls now is answered from the new name, and pushes are taken again.
    expect((await http.send("GET", "/v2/new/app/manifests/v3")).status).toBe(200);
    await http.pushImage("old/app", "again", LAYER);
    http.close();
    await server.stop();
    await expectSound(rootDirectory);
  });
});
