import { describe, expect, it } from "vitest";
import { StorageUnavailableError } from "../../../src/errors.ts";
import { REPOSITORIES_ROOT, tagCurrentLinkPath } from "../../../src/registry/paths.ts";
import type { ScannedFile } from "../../../src/storage/abilities.ts";
import { MemoryDriver } from "../../../src/storage/memory/memory-driver.ts";
import { collect } from "../../support/collect.ts";
import { buildSharedImages, OddListing } from "../../support/odd-stores.ts";
import { RegistryTree } from "../../support/registry-tree.ts";
import { RemoteStore } from "../../support/remote-store.ts";
import { verify } from "../../unit/operations/verify/verify-store.ts";

const NOTHING = { blobs: 0, bytes: 0, manifests: 0, layerLinks: 0, tagHistoryLinks: 0 };

describe("planning on an object store", () => {
  it("takes a request for each tag and one for each manifest, in however many repositories it stands", async () => {
    const store = new RemoteStore();
    const { manifests, tags } = await buildSharedImages(store.inner);

    await collect(store.driver, { deleteUntagged: true, dryRun: true });

    expect(store.count("get")).toBe(manifests + tags);
    expect(store.count("stat")).toBe(0);
    // Looks for the mark of a metadata database.
    expect(store.count("statFile")).toBe(1);
  });

  it("works on as many files at a time as it may, of several repositories, and comes to the same", async () => {
    const inner = new MemoryDriver();
    await buildSharedImages(inner);
    const store = new RemoteStore({ inner, latencyMs: 2 });

    const remote = await collect(store.driver, { deleteUntagged: true, dryRun: true, concurrency: 12 });

    expect(store.peak).toBe(12);
    const local = await collect(inner, { deleteUntagged: true, dryRun: true });
    expect(remote.eligible).toEqual(local.eligible);
    expect(remote.found).toEqual(local.found);
    expect(remote.marked).toEqual(local.marked);
  });

  it("keeps everything of the repositories whose manifest is not given out, and collects the others", async () => {
    const store = new RemoteStore();
    const tree = new RegistryTree(store.inner);
    const denied = await tree.repository("a").image("denied", ["needed"], { tag: "v1" });
    await tree.repository("b").image("denied", ["needed"]);
    const strays = [];
    for (const name of ["a", "b", "c"]) strays.push(await tree.repository(name).layer(`stray of ${name}`));
    await tree.repository("c").image("other", [], { tag: "v1" });
    const hex = denied.digest.slice("sha256:".length);
    store.before = ({ method, path }) => {
      if (method === "get" && path.includes(hex)) throw new StorageUnavailableError("403: denied");
    };

    const report = await collect(store.driver, { deleteUntagged: true });

    expect(report.deleted).toEqual({ ...NOTHING, layerLinks: 1, blobs: 1, bytes: 10 });
    expect(report.warnings).toHaveLength(2);
    const [ofA, ofB, ofC] = await Promise.all(strays.map(({ digest }) => tree.hasBlob(digest)));
    expect([ofA, ofB, ofC]).toEqual([true, true, false]);
  });

  it("keeps all manifests of a repository with a tag that is not given out", async () => {
    const store = new RemoteStore();
    const tree = new RegistryTree(store.inner);
    const untagged = await tree.repository("a").image("one", ["layer"]);
    await tree.repository("a").image("two", [], { tag: "v1" });
    await tree.repository("b").image("three", [], { tag: "v1" });
    store.before = ({ path }) => {
      if (path === tagCurrentLinkPath("a", "v1")) throw new StorageUnavailableError("503: slow down");
    };

    const report = await collect(store.driver, { deleteUntagged: true });

    expect(report.deleted.manifests).toBe(0);
    expect(await tree.repository("a").missingFor(untagged.digest)).toEqual([]);
  });

  it("gives up where the store does not answer any more, instead of asking for everything in vain", async () => {
    const store = new RemoteStore();
    const tree = new RegistryTree(store.inner);
    for (let number = 0; number < 500; number++) {
      await tree.repository(`r${number}`).image(`image ${number}`, [], { tag: "v1" });
    }
    const before = await tree.files();
    let left = 100;
    store.before = ({ method }) => {
      if (method === "get" && left-- <= 0) throw new StorageUnavailableError("no route to host");
    };

    const run = collect(store.driver, { deleteUntagged: true, dryRun: true });

    await expect(run).rejects.toThrow("no route to host");
    expect(store.count("get")).toBeLessThan(400);
    await expect(verify(store.driver)).rejects.toThrow("no route to host");
    store.before = undefined;
    expect(await tree.files()).toEqual(before);
  });

  it("refuses a store whose listing is not in key order, in which a repository came in two pieces", async () => {
    const inner = new OddListing();
    await buildSharedImages(inner);
    const before = await new RegistryTree(inner).files();
    inner.change = (path, files) =>
      path === REPOSITORIES_ROOT ? [...files.slice(5), ...files.slice(0, 5)] : files;

    const run = collect(new RemoteStore({ inner }).driver, { deleteUntagged: true });

    await expect(run).rejects.toThrow("does not list in the order of its keys");
    expect(await new RegistryTree(inner).files()).toEqual(before);
  });

  it("deletes nothing where a page of the listing failed", async () => {
    const inner = new OddListing();
    await buildSharedImages(inner);
    const before = await new RegistryTree(inner).files();
    const error = new StorageUnavailableError("503: slow down");
    inner.change = (path, files) => (path === REPOSITORIES_ROOT ? files.slice(0, 20) : files);
    inner.failing = (path) => (path === REPOSITORIES_ROOT ? { path, error } : undefined);

    const report = await collect(new RemoteStore({ inner }).driver, { deleteUntagged: true });

    expect(report.deleted).toEqual(NOTHING);
    expect(report.failed).toEqual([{ path: REPOSITORIES_ROOT, error: "503: slow down" }]);
    expect(await new RegistryTree(inner).files()).toEqual(before);
  });

  it("keeps what is as old as the grace period, as times are in whole seconds, rounded down", async () => {
    const inner = new MemoryDriver();
    const tree = new RegistryTree(inner);
    await tree.repository("a").image("one", [], { tag: "v1" });
    const orphan = await tree.blob("orphan");
    const nowMs = Math.floor(Date.now() / 1000) * 1000 + 3_600_000;
    const modifiedMs = (): number => nowMs - 3_600_000;
    Object.assign(inner, {
      now: async () => nowMs,
      scan: async function* (path: string) {
        const files: ScannedFile[] = [];
        for await (const { path: file, sizeBytes } of inner.walk(path))
          files.push({ path: file, sizeBytes, modifiedMs: modifiedMs() });
        yield files;
      },
    });

    await collect(new RemoteStore({ inner }).driver, { graceMs: 3_600_000 }, { nowMs: () => nowMs });
    expect(await tree.hasBlob(orphan)).toBe(true);

    await collect(new RemoteStore({ inner }).driver, { graceMs: 3_599_000 }, { nowMs: () => nowMs });
    expect(await tree.hasBlob(orphan)).toBe(false);
  });

  it("measures ages by the store's clock in a dry run too, and says that a real one would refuse a wrong clock", async () => {
    const inner = new MemoryDriver();
    const tree = new RegistryTree(inner);
    await tree.repository("a").image("one", [], { tag: "v1" });
    await tree.blob("orphan");
    Object.assign(inner, { now: async () => Date.now() + 2 * 3_600_000 });

    const report = await collect(new RemoteStore({ inner }).driver, { dryRun: true, graceMs: 3_600_000 });

    expect(report.eligible.blobs).toBe(1);
    expect(report.warnings).toEqual([expect.stringContaining("a real run would refuse: the store's clock")]);
    await expect(collect(new RemoteStore({ inner }).driver, { graceMs: 3_600_000 })).rejects.toThrow(
      "the store's clock",
    );
  });
});
