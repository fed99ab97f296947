import { describe, expect, it } from "vitest";
import { layerLinkPath, revisionLinkPath } from "../../../src/registry/paths.ts";
import { MemoryDriver } from "../../../src/storage/memory/memory-driver.ts";
import { ClockedMemoryDriver } from "../../support/clocked-memory-driver.ts";
import { collect } from "../../support/collect.ts";
import { RegistryTree } from "../../support/registry-tree.ts";

/** Refuses to remove some files. */
class StubbornDriver extends MemoryDriver {
  stubborn = "";

  override async deleteMany(paths: readonly string[]): Promise<{ path: string; error: unknown }[]> {
    const failed = paths.filter((path) => path === this.stubborn);
    const others = await super.deleteMany(paths.filter((path) => path !== this.stubborn));
    return [...failed.map((path) => ({ path, error: new Error("EACCES") })), ...others];
  }
}

describe("an index that stays although it was to go", () => {
  it("keeps what it lists, at any depth, where its link cannot be removed", async () => {
    const driver = new StubbornDriver();
    const tree = new RegistryTree(driver);
    const app = tree.repository("app");
    await app.image("now", [], { tag: "v1" });
    const inner = await app.index([await app.image("1", ["a"]), await app.image("2", ["b"])]);
    const outer = await app.index([inner]);
    const dead = await app.image("of no index", ["c"]);
    driver.stubborn = revisionLinkPath("app", outer.digest);

    const report = await collect(driver, { deleteUntagged: true });

    expect(report.failed).toEqual([{ path: driver.stubborn, error: "EACCES" }]);
    expect(report.warnings).toEqual([expect.stringMatching(/^[1-9]\d* files that were to go were kept/)]);
    expect(await app.missingFor(outer.digest)).toEqual([]);
    expect(await app.hasRevision(dead.digest)).toBe(false);
    driver.stubborn = "";
    expect((await collect(driver, { deleteUntagged: true })).deleted).toMatchObject({ manifests: 4 });
    expect(await tree.hasBlob(outer.digest)).toBe(false);
  });

  it("keeps what it lists where it was pushed again during the run", async () => {
    const driver = new ClockedMemoryDriver(Date.UTC(2026, 0, 1));
    const app = new RegistryTree(driver).repository("app");
    await app.image("now", [], { tag: "v1" });
    const index = await app.index([await app.image("1", ["a"]), await app.image("2", ["b"])]);
    driver.nowMs += 1000;
    const again = async (): Promise<void> => {
      driver.nowMs += 1000;
      await app.linkRevision(index.digest);
      await app.tag("back", index.digest);
    };

    await collect(driver, { deleteUntagged: true, onPlan: again }, { nowMs: () => driver.nowMs });

    expect(await app.missingFor(index.digest)).toEqual([]);
  });

  it("keeps a layer that was linked again during the run", async () => {
    const driver = new ClockedMemoryDriver(Date.UTC(2026, 0, 1));
    const tree = new RegistryTree(driver);
    const app = tree.repository("app");
    await app.image("now", [], { tag: "v1" });
    const layer = await app.layer("of a push that comes back");
    driver.nowMs += 1000;
    const again = async (): Promise<void> => {
      driver.nowMs += 1000;
      await driver.put(layerLinkPath("app", layer.digest), Buffer.from(layer.digest));
    };

    const report = await collect(driver, { onPlan: again }, { nowMs: () => driver.nowMs });

    expect(report.deleted).toMatchObject({ layerLinks: 0, blobs: 0 });
    expect(report.warnings).toEqual([expect.stringMatching(/^2 files that were to go were kept/)]);
    expect(await tree.hasBlob(layer.digest)).toBe(true);
  });
});

describe("a store on which every deletion fails", () => {
  it("has the first failures told one by one, and the number of the others", async () => {
    const driver = Object.assign(new MemoryDriver(), {
      deleteMany: async (paths: readonly string[]) =>
        paths.map((path) => ({ path, error: new Error("EROFS") })),
    });
    const tree = new RegistryTree(driver);
    await tree.repository("app").image("now", [], { tag: "v1" });
    for (let number = 0; number < 10_020; number++) await tree.blob(`orphan ${number}`);

    const report = await collect(driver);

    expect(report.failed).toHaveLength(10_000);
    expect(report.warnings).toEqual(["20 more deletions failed"]);
    expect(report.deleted).toMatchObject({ blobs: 0, bytes: 0 });
  });
});
