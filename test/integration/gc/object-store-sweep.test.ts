import { describe, expect, it } from "vitest";
import { StorageUnavailableError } from "../../../src/errors.ts";
import {
  BLOBS_ROOT,
  layerLinkPath,
  REPOSITORIES_ROOT,
  revisionLinkPath,
} from "../../../src/registry/paths.ts";
import { GarbageJournal } from "../../../src/state/journal.ts";
import { collect } from "../../support/collect.ts";
import { buildSharedImages, OddListing, RetainingDriver } from "../../support/odd-stores.ts";
import { RegistryTree } from "../../support/registry-tree.ts";
import { RemoteStore } from "../../support/remote-store.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

const NOTHING = { blobs: 0, bytes: 0, manifests: 0, layerLinks: 0, tagHistoryLinks: 0 };
const UNANSWERED = expect.stringContaining("it may still carry out");

describe("deleting on an object store", () => {
  it("has four bulk deletes under way at a time", async () => {
    const store = new RemoteStore();
    const tree = new RegistryTree(store.inner);
    await tree.repository("a").image("one", [], { tag: "v1" });
    for (let number = 0; number < 6500; number++) await tree.blob(`orphan ${number}`);
    let deleting = 0;
    let most = 0;
    let letThrough: () => void = () => undefined;
    const fourAreUnderWay = new Promise<void>((resolve) => {
      letThrough = resolve;
    });
    const deleteMany = store.inner.deleteMany.bind(store.inner);
    store.inner.deleteMany = async (paths) => {
      most = Math.max(most, ++deleting);
      // Were there a fifth, it would come now.
      if (deleting === 4) setTimeout(letThrough, 50);
      await fourAreUnderWay;
      deleting--;
      return deleteMany(paths);
    };

    const report = await collect(store.driver, {});

    expect(report.deleted.blobs).toBe(6500);
    expect(store.count("deleteMany")).toBe(7);
    expect(most).toBe(4);
  });

  it.each([
    ["is answered with an error for some keys", false],
    ["is not answered", true],
  ])("keeps what a link refers to whose delete %s", async (_, isLost) => {
    const store = new RemoteStore();
    const tree = new RegistryTree(store.inner);
    await tree.repository("a").image("kept", [], { tag: "v1" });
    const dead = await tree.repository("a").image("dead", ["layer"]);
    const link = revisionLinkPath("a", dead.digest);
    const deleteMany = store.inner.deleteMany.bind(store.inner);
    store.inner.deleteMany = async (paths) => {
      if (!paths.includes(link)) return deleteMany(paths);
      if (isLost) throw new StorageUnavailableError("no answer");
      return [{ path: link, error: new StorageUnavailableError("no answer") }];
    };

    const report = await collect(store.driver, { deleteUntagged: true });

    expect(report.deleted).toEqual(NOTHING);
    expect(report.failed).toEqual([{ path: link, error: "no answer" }]);
    expect(report.warnings).toContainEqual(UNANSWERED);
    expect(await tree.repository("a").missingFor(dead.digest)).toEqual([]);
  });

  it("keeps the blobs of links that a retention rule kept although the store said that they were deleted", async () => {
    const inner = new RetainingDriver();
    const store = new RemoteStore({ inner });
    const tree = new RegistryTree(inner);
    await tree.repository("a").image("kept", [], { tag: "v1" });
    const stuck = await tree.repository("a").image("stuck", ["its layer"]);
    await tree.repository("a").image("free", ["other layer"]);
    const link = revisionLinkPath("a", stuck.digest);
    inner.retained = (path) => path === link;

    const report = await collect(store.driver, { deleteUntagged: true });

    expect(report.failed).toEqual([{ path: link, error: expect.stringContaining("lists it still") }]);
    expect(report.deleted).toMatchObject({ manifests: 1, blobs: 3 });
    // Their layer links are gone; the next run takes the rest.
    expect(await tree.hasBlob(stuck.digest)).toBe(true);
    inner.retained = () => false;
    const next = await collect(store.driver, { deleteUntagged: true });
    expect(next.deleted).toMatchObject({ manifests: 1, blobs: 3 });
    expect(next.failed).toEqual([]);
  });

  it("is finished by the next run, which says so, where a run was killed", async () => {
    const store = new RemoteStore();
    const tree = new RegistryTree(store.inner);
    await tree.repository("a").image("kept", [], { tag: "v1" });
    await tree.repository("a").image("dead", ["layer"]);
    const folder = await temporaryFolder();
    const newJournal = () => new GarbageJournal({ folder, version: "0" });
    const killed = newJournal();
    killed.end = () => undefined;
    store.before = ({ method, path }) => {
      if (method === "deleteMany" && path.startsWith(BLOBS_ROOT)) throw new Error("killed");
    };
    await expect(collect(store.driver, { deleteUntagged: true }, { journal: killed })).rejects.toThrow(
      "killed",
    );
    store.before = undefined;

    const next = await collect(store.driver, { deleteUntagged: true }, { journal: newJournal() });

    expect(next.deleted).toEqual({ ...NOTHING, blobs: 3, bytes: next.eligible.bytes });
    expect(next.warnings).toEqual([
      expect.stringContaining("was killed while it removed blobs; this run finishes it"),
    ]);
    const last = await collect(store.driver, { deleteUntagged: true }, { journal: newJournal() });
    expect(last.warnings).toEqual([]);
  });

  it("tells only what has really gone", async () => {
    const inner = new RetainingDriver();
    const tree = new RegistryTree(inner);
    await tree.repository("a").image("kept", [], { tag: "v1" });
    const stuck = await tree.blob("stuck");
    await tree.blob("free!");
    inner.retained = (path) => path.includes(stuck.slice(-64));

    const report = await collect(new RemoteStore({ inner }).driver, {});

    expect(report.deleted).toEqual({ ...NOTHING, blobs: 1, bytes: 5 });
    expect(report.failed).toEqual([
      { path: expect.stringContaining(stuck.slice(-64)), error: expect.stringContaining("object lock") },
    ]);
  });

  it("keeps a blob to which a link was written since the plan was made", async () => {
    const store = new RemoteStore();
    const tree = new RegistryTree(store.inner);
    await tree.repository("a").image("kept", [], { tag: "v1" });
    const layer = await tree.blob("linked late");
    await tree.blob("orphan");

    const report = await collect(store.driver, {
      force: true,
      onPlan: async () => {
        await tree.driver.put(layerLinkPath("b", layer), Buffer.from(layer));
      },
    });

    expect(report.deleted).toEqual({ ...NOTHING, blobs: 1, bytes: 6 });
    expect(await tree.hasBlob(layer)).toBe(true);
    expect(report.warnings).toEqual([expect.stringContaining("1 files that were to go were kept")]);
  });

  it("deletes no blob where the links cannot be listed once more", async () => {
    const inner = new OddListing();
    await buildSharedImages(inner);
    let listings = 0;
    inner.failing = (path) =>
      path === REPOSITORIES_ROOT && ++listings === 2 ? { path, error: new Error("503") } : undefined;

    const report = await collect(new RemoteStore({ inner }).driver, { deleteUntagged: true });

    expect(report.deleted).toMatchObject({ manifests: 10, layerLinks: 20, blobs: 0 });
    expect(report.failed).toEqual([{ path: REPOSITORIES_ROOT, error: "503" }]);
    expect(report.warnings).toContainEqual(expect.stringContaining("no blob is deleted"));
  });

  it("says so where it cannot be looked at whether blobs have gone", async () => {
    const inner = new OddListing();
    await buildSharedImages(inner);
    let listings = 0;
    inner.failing = (path) =>
      path === BLOBS_ROOT && ++listings === 2 ? { path, error: new Error("503") } : undefined;

    const report = await collect(new RemoteStore({ inner }).driver, { deleteUntagged: true });

    expect(report.deleted.blobs).toBe(30);
    expect(report.warnings).toContainEqual(expect.stringContaining("could not be looked at"));
  });
});
