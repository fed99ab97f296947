import { describe, expect, it } from "vitest";
import { StorageUnavailableError } from "../../../src/errors.ts";
import {
  layerLinkPath,
  REPOSITORIES_ROOT,
  revisionLinkPath,
  tagCurrentLinkPath,
} from "../../../src/registry/paths.ts";
import type { KeptVersions, ScanAsides, ScanFailure, ScannedFile } from "../../../src/storage/abilities.ts";
import type { StorageDriver } from "../../../src/storage/driver.ts";
import { MemoryDriver } from "../../../src/storage/memory/memory-driver.ts";
import { collect } from "../../support/collect.ts";
import { RegistryTree } from "../../support/registry-tree.ts";
import { RemoteStore } from "../../support/remote-store.ts";
import { verify } from "../../unit/operations/verify/verify-store.ts";

const NOTHING = { blobs: 0, bytes: 0, manifests: 0, layerLinks: 0, tagHistoryLinks: 0 };
const BLOBS_ROOT = "/docker/registry/v2/blobs";
const UNANSWERED = expect.stringContaining("it may still carry out");

/** Ten repositories that share some of their images, three tags each, and an untagged image with a layer of its own. */
async function buildTree(driver: StorageDriver): Promise<{ manifests: number; tags: number }> {
  const tree = new RegistryTree(driver);
  for (let number = 0; number < 10; number++) {
    const repository = tree.repository(`group/r${number}`);
    for (const tag of ["a", "b", "c"]) await repository.image(`shared ${tag}`, [`layer ${tag}`], { tag });
    await repository.image(`untagged ${number}`, [`dead layer ${number}`]);
  }
  return { manifests: 3 + 10, tags: 30 };
}

/** Deletes of some files are answered as done and have no effect, as under a retention rule. */
class RetainingDriver extends MemoryDriver {
  retained: (path: string) => boolean = () => false;

  override async deleteMany(paths: readonly string[]): Promise<{ path: string; error: unknown }[]> {
    return super.deleteMany(paths.filter((path) => !this.retained(path)));
  }
}

/** Its listings can be changed. */
class OddListing extends MemoryDriver {
  change: (path: string, files: ScannedFile[], asides: ScanAsides | undefined) => ScannedFile[] = (
    _,
    files,
  ) => files;
  failing: ((path: string) => ScanFailure | undefined) | undefined;

  override async *scan(
    path: string,
    onFailure: (failure: ScanFailure) => void = () => {},
    asides?: ScanAsides,
  ): AsyncGenerator<ScannedFile[]> {
    for await (const batch of super.scan(path)) yield this.change(path, batch, asides);
    const failure = this.failing?.(path);
    if (failure) onFailure(failure);
  }
}

describe("planning on an object store", () => {
  it("takes a request for each tag and one for each manifest, in however many repositories it stands", async () => {
    const store = new RemoteStore();
    const { manifests, tags } = await buildTree(store.inner);

    await collect(store.driver, { deleteUntagged: true, dryRun: true });

    expect(store.count("get")).toBe(manifests + tags);
    expect(store.count("stat")).toBe(0);
    // Looks for the mark of a metadata database.
    expect(store.count("statFile")).toBe(1);
  });

  it("works on as many files at a time as it may, of several repositories, and comes to the same", async () => {
    const inner = new MemoryDriver();
    await buildTree(inner);
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
    await buildTree(inner);
    const before = await new RegistryTree(inner).files();
    inner.change = (path, files) =>
      path === REPOSITORIES_ROOT ? [...files.slice(5), ...files.slice(0, 5)] : files;

    const run = collect(new RemoteStore({ inner }).driver, { deleteUntagged: true });

    await expect(run).rejects.toThrow("does not list in the order of its keys");
    expect(await new RegistryTree(inner).files()).toEqual(before);
  });

  it("deletes nothing where a page of the listing failed", async () => {
    const inner = new OddListing();
    await buildTree(inner);
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

describe("deleting on an object store", () => {
  it("has four bulk deletes under way at a time", async () => {
    const store = new RemoteStore({ latencyMs: 5 });
    const tree = new RegistryTree(store.inner);
    await tree.repository("a").image("one", [], { tag: "v1" });
    for (let number = 0; number < 6500; number++) await tree.blob(`orphan ${number}`);
    store.peak = 0;
    let deleting = 0;
    let most = 0;
    const deleteMany = store.inner.deleteMany.bind(store.inner);
    store.before = ({ method }) => {
      if (method === "deleteMany") most = Math.max(most, ++deleting);
    };
    store.inner.deleteMany = async (paths) => {
      await new Promise((resolve) => setTimeout(resolve, 20));
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
    await buildTree(inner);
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
    await buildTree(inner);
    let listings = 0;
    inner.failing = (path) =>
      path === BLOBS_ROOT && ++listings === 2 ? { path, error: new Error("503") } : undefined;

    const report = await collect(new RemoteStore({ inner }).driver, { deleteUntagged: true });

    expect(report.deleted.blobs).toBe(30);
    expect(report.warnings).toContainEqual(expect.stringContaining("could not be looked at"));
  });
});

describe("the report of a collection on an object store", () => {
  const versioned = (inner: MemoryDriver, keptVersions: () => Promise<KeptVersions>): StorageDriver =>
    Object.assign(new RemoteStore({ inner }).driver, { keptVersions });

  async function reportWith(keptVersions: () => Promise<KeptVersions>, dryRun = false) {
    const inner = new MemoryDriver();
    const tree = new RegistryTree(inner);
    await tree.repository("a").image("kept", [], { tag: "v1" });
    await tree.blob("orphan");
    return collect(versioned(inner, keptVersions), { dryRun });
  }

  it.each([false, true])(
    "says which lifecycle rule is missing where versions are kept (dry run: %s)",
    async (dryRun) => {
      const noncurrent = { files: 12, bytes: 4096, isComplete: false };
      const report = await reportWith(async () => ({ versioning: "on", expire: false, noncurrent }), dryRun);

      expect(report.versions).toEqual({ versioning: "on", expire: false, noncurrent });
      expect(report.warnings).toEqual([
        "the bucket keeps older versions of what was deleted or replaced (at least 12 versions, 4.0 KiB) and no lifecycle rule removes them, so that deleting frees nothing: add a rule with NoncurrentVersionExpiration and ExpiredObjectDeleteMarker",
      ]);
    },
  );

  it("warns of nothing where a rule removes them, or none are kept", async () => {
    const noncurrent = { files: 1, bytes: 1, isComplete: true };
    expect((await reportWith(async () => ({ versioning: "on", expire: true, noncurrent }))).warnings).toEqual(
      [],
    );
    const none = { files: 0, bytes: 0, isComplete: true };
    const off = await reportWith(async () => ({ versioning: "off", expire: false, noncurrent: none }));
    expect(off.warnings).toEqual([]);
    const suspended = await reportWith(async () => ({
      versioning: "suspended",
      expire: false,
      noncurrent: none,
    }));
    expect(suspended.warnings).toEqual([]);
  });

  it("goes on where it may not be asked", async () => {
    const report = await reportWith(() => Promise.reject(new StorageUnavailableError("403: denied")));
    expect(report.versions).toEqual({ versioning: "unknown", problem: "403: denied" });
    expect(report.deleted.blobs).toBe(1);
    expect(report.warnings).toEqual([]);
  });

  it("has the requests of this run alone, and the keys that stand for folders", async () => {
    const inner = new OddListing();
    const tree = new RegistryTree(inner);
    await tree.repository("a").image("kept", [], { tag: "v1" });
    inner.change = (_path, files, asides) => {
      asides?.onFolderMarker?.("docker/registry/");
      return files;
    };
    const requests: Record<string, number> = { LIST: 5, "PUT object": 7 };
    const store = new RemoteStore({
      inner,
      before: ({ method }) => {
        if (method === "get") requests["GET object"] = (requests["GET object"] ?? 0) + 1;
      },
    });

    const report = await collect(Object.assign(store.driver, { requests }), { dryRun: true });

    expect(report.requests).toEqual({ "GET object": 2 });
    expect(report.folderMarkers).toEqual({ count: 2, first: ["docker/registry/", "docker/registry/"] });
  });
});
