import { describe, expect, it } from "vitest";
import { StorageUnavailableError } from "../../../src/errors.ts";
import type { StorageDriver } from "../../../src/storage/driver.ts";
import { MemoryDriver } from "../../../src/storage/memory/memory-driver.ts";
import type { KeptVersions } from "../../../src/storage/object-store-abilities.ts";
import { collect } from "../../support/collect.ts";
import { OddListing } from "../../support/odd-stores.ts";
import { RegistryTree } from "../../support/registry-tree.ts";
import { RemoteStore } from "../../support/remote-store.ts";

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
