import { rename, symlink } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { describe, expect, it } from "vitest";
import { parkedName } from "../../../../src/registry/parked.ts";
import { repositoryPath, tagCurrentLinkPath } from "../../../../src/registry/paths.ts";
import type { MoveRecord } from "../../../../src/state/move-record.ts";
import { FilesystemDriver } from "../../../../src/storage/filesystem/filesystem-driver.ts";
import { MemoryDriver } from "../../../../src/storage/memory/memory-driver.ts";
import { moveIn, newMoves } from "../../../support/move-world.ts";
import { pullableTags } from "../../../support/pullable-tags.ts";
import { RegistryTree } from "../../../support/registry-tree.ts";
import { temporaryFolder } from "../../../support/temporary-folder.ts";

async function world() {
  const driver = new MemoryDriver();
  const tree = new RegistryTree(driver);
  await tree.repository("a").image("one", ["base"], { tag: "v1" });
  await tree.repository("a/b").image("two", ["base"], { tag: "v1" });
  return { driver, tree, moves: newMoves() };
}

/** As a process leaves it that was killed. */
function unfinished(more: Partial<MoveRecord>): MoveRecord {
  const time = new Date(0).toISOString();
  return {
    ...{ schemaVersion: 1, kind: "move", old: "a", new: "x", isProject: false, phase: "moving" },
    ...{ startedAt: time, changedAt: time, host: "h", pid: 1, ...more },
  };
}

describe("runMove", () => {
  it("keeps the times of links", async () => {
    const { driver } = await world();
    await driver.setModified(tagCurrentLinkPath("a", "v1"), 1_500_000_000_000);
    await moveIn(driver, { old: "a", new: "x" });
    expect((await driver.stat(tagCurrentLinkPath("x", "v1"))).modifiedMs).toBe(1_500_000_000_000);
  });

  it("reads no blob", async () => {
    const { driver, tree } = await world();
    for (const path of await tree.files("/docker/registry/v2/blobs")) await driver.delete(path);
    await moveIn(driver, { old: "a", new: "x", isProject: true });
    expect(await tree.files(repositoryPath("a"))).toEqual([]);
    expect(await tree.has(tagCurrentLinkPath("x/b", "v1"))).toBe(true);
  });

  it("leaves unfinished uploads under the old name, and says so", async () => {
    const { driver, tree } = await world();
    const upload = `${repositoryPath("a")}/_uploads/1/data`;
    await driver.put(upload, Buffer.from("x"));
    expect((await moveIn(driver, { old: "a", new: "x" })).uploads).toBe(1);
    expect(await tree.files(repositoryPath("a"))).toEqual([
      upload,
      ...(await tree.files(repositoryPath("a/b"))),
    ]);
  });

  it("lets nobody else move half of what another move has begun", async () => {
    const { driver, moves } = await world();
    moves.write(unfinished({}));
    for (const request of [
      { old: "a", new: "y" },
      { old: "z", new: "a" },
      { old: "a", kind: "hold" as const, isProject: true },
    ]) {
      await expect(moveIn(driver, request, { moves })).rejects.toMatchObject({
        message: expect.stringContaining("is not finished"),
        hint: "finish it first: registry-ctl move a x",
      });
    }
    expect((await moveIn(driver, { old: "a", new: "x" }, { moves })).resumed).toBe(true);
    expect(moves.list()).toEqual([]);
  });

  it("parks a project and takes it from there, to a name that was free by then", async () => {
    const { driver, moves } = await world();
    await moveIn(driver, { kind: "hold", old: "a", isProject: true }, { moves });
    expect(moves.list()).toMatchObject([{ kind: "hold", old: "a", phase: "parked" }]);
    expect(Object.keys((await pullableTags(driver, parkedName("a/b"))).whole)).toEqual(["v1"]);
    await moveIn(driver, { kind: "finish", old: "a", new: "n", isProject: true }, { moves });
    expect(Object.keys((await pullableTags(driver, "n/b")).whole)).toEqual(["v1"]);
    expect(moves.list()).toEqual([]);
  });

  it("remembers what is parked while others that got its name are moved", async () => {
    const { driver, tree, moves } = await world();
    await moveIn(driver, { kind: "hold", old: "a", new: "n", isProject: true }, { moves });
    await tree.repository("a").image("three", ["base"], { tag: "v3" });
    await moveIn(driver, { old: "a", new: "x" }, { moves });
    expect(moves.list()).toMatchObject([{ kind: "hold", old: "a", new: "n", isProject: true }]);
  });

  it("warns in a dry run of what would stop a real one, and changes nothing", async () => {
    const { driver, tree, moves } = await world();
    const files = await tree.files();
    const report = await moveIn(driver, { old: "a", new: "a/b" }, { moves, dryRun: true });
    expect(report.warnings).toEqual(["a real run would refuse: there is a repository a/b already"]);
    expect(report.conflicts).toMatchObject([{ from: "a", to: "a/b", tag: "v1" }]);
    expect(await tree.files()).toEqual(files);
    expect(moves.list()).toEqual([]);
  });

  it("moves what lies on another disk behind a symbolic link", async () => {
    const folder = await temporaryFolder();
    const driver = new FilesystemDriver({ rootDirectory: join(folder, "store") });
    const tree = new RegistryTree(driver);
    await tree.repository("a").image("one", ["base"], { tag: "v1" });
    await tree.repository("a/b").image("two", ["base"], { tag: "v2" });
    const linked = join(folder, "store", repositoryPath("a/b"));
    await rename(linked, join(folder, "elsewhere"));
    await symlink(relative(dirname(linked), join(folder, "elsewhere")), linked);
    await moveIn(driver, { old: "a", new: "x/y/z", isProject: true });
    const tags = async (name: string) => Object.keys((await pullableTags(driver, name)).whole);
    expect(await Promise.all(["x/y/z", "x/y/z/b", "a", "a/b"].map(tags))).toEqual([["v1"], ["v2"], [], []]);
  });
});
