import { describe, expect, it } from "vitest";
import { MemoryDriver } from "../../../src/storage/memory/memory-driver.ts";
import { collect } from "../../support/collect.ts";
import { RegistryTree } from "../../support/registry-tree.ts";

describe("garbage collection without -m", () => {
  it("removes blobs and layer links that no manifest needs, and keeps every manifest", async () => {
    const tree = new RegistryTree(new MemoryDriver());
    const app = tree.repository("library/app");
    const image = await app.image("one", ["layer one"], { tag: "v1" });
    const untagged = await app.image("two", ["layer two"]);
    const stray = await app.layer("of a failed push");
    const orphan = await tree.blob("in no repository");

    const report = await collect(tree.driver);

    expect(report.deleted).toEqual({
      blobs: 2,
      bytes: 16 + 16,
      manifests: 0,
      layerLinks: 1,
      tagHistoryLinks: 0,
    });
    expect(report.eligible).toEqual(report.deleted);
    expect(report.marked.blobs).toBe(6);
    expect(report.failed).toEqual([]);
    expect(report.warnings).toEqual([]);
    expect(await app.missingFor(image.digest)).toEqual([]);
    expect(await app.missingFor(untagged.digest)).toEqual([]);
    expect(await tree.hasBlob(stray.digest)).toBe(false);
    expect(await app.hasLayer(stray.digest)).toBe(false);
    expect(await tree.hasBlob(orphan)).toBe(false);
  });
});

describe("garbage collection with -m", () => {
  it("removes untagged manifests with their layers, links and history", async () => {
    const tree = new RegistryTree(new MemoryDriver());
    const app = tree.repository("library/app");
    const old = await app.image("old", ["old layer", "shared layer"], { tag: "latest" });
    const current = await app.image("new", ["new layer", "shared layer"], { tag: "latest" });

    const report = await collect(tree.driver, { deleteUntagged: true });

    expect(report.deleted).toMatchObject({ blobs: 3, manifests: 1, layerLinks: 2, tagHistoryLinks: 1 });
    expect(await app.missingFor(current.digest)).toEqual([]);
    expect(await app.hasRevision(old.digest)).toBe(false);
    expect(await app.hasHistory("latest", old.digest)).toBe(false);
    expect(await app.hasHistory("latest", current.digest)).toBe(true);
    expect(await tree.hasBlob(old.digest)).toBe(false);
  });

  it("finds nothing more in a second run", async () => {
    const tree = new RegistryTree(new MemoryDriver());
    const app = tree.repository("library/app");
    await app.image("old", ["old layer"], { tag: "latest" });
    await app.image("new", ["new layer"], { tag: "latest" });
    await collect(tree.driver, { deleteUntagged: true });
    const files = await tree.files();

    const report = await collect(tree.driver, { deleteUntagged: true });

    expect(report.deleted).toEqual({ blobs: 0, bytes: 0, manifests: 0, layerLinks: 0, tagHistoryLinks: 0 });
    expect(await tree.files()).toEqual(files);
  });

  it("says in a dry run what the real one does, and changes nothing", async () => {
    const tree = new RegistryTree(new MemoryDriver());
    const app = tree.repository("library/app");
    await app.image("old", ["old layer"], { tag: "latest" });
    await app.image("new", ["new layer"], { tag: "latest" });
    const files = await tree.files();

    const dry = await collect(tree.driver, { deleteUntagged: true, dryRun: true });
    expect(await tree.files()).toEqual(files);
    const real = await collect(tree.driver, { deleteUntagged: true });

    expect(dry.eligible).toEqual(real.deleted);
    expect(dry.deleted.blobs).toBe(0);
    expect(dry.eligible.blobs).toBe(3);
  });
});
