import { dirname } from "node:path";
import { describe, expect, it } from "vitest";
import { StorageFullError, StorageUnavailableError } from "../../../../src/errors.ts";
import { type Digest, digestOf } from "../../../../src/oci/digest.ts";
import { BlobCopier } from "../../../../src/operations/backup/copy-blobs.ts";
import { listBackups } from "../../../../src/operations/backup/list-backups.ts";
import {
  blobDataPath,
  layerLinkPath,
  revisionLinkPath,
  tagCurrentLinkPath,
} from "../../../../src/registry/paths.ts";
import { acquireStoreLock } from "../../../../src/state/store-lock.ts";
import type { FileWriter, StorageDriver } from "../../../../src/storage/driver.ts";
import { MemoryDriver } from "../../../../src/storage/memory/memory-driver.ts";
import { withoutAbilities } from "../../../support/registry-stores.ts";
import { RegistryTree } from "../../../support/registry-tree.ts";
import { BackupStores, HOLDER, missingIn, tagsIn } from "./backup-stores.ts";

const none = new AbortController().signal;

/** A store that tells of each request before it is answered. */
function withRequests(
  store: StorageDriver,
  onRequest: (path: string, what: "get" | "stat" | "list" | "read") => void,
): StorageDriver {
  const plain = withoutAbilities(store);
  return {
    ...plain,
    get: async (path) => {
      onRequest(path, "get");
      return plain.get(path);
    },
    stat: async (path) => {
      onRequest(path, "stat");
      return plain.stat(path);
    },
    list: async (path) => {
      onRequest(path, "list");
      return plain.list(path);
    },
    read: async (path, options) => {
      onRequest(path, "read");
      return plain.read(path, options);
    },
  };
}

describe("createBackup", () => {
  it("has all that can be pulled by tag or digest, and restores it into an empty store", async () => {
    const stores = new BackupStores();
    const app = stores.tree.repository("team/app");
    const amd = await app.image("amd", ["base", "one"]);
    const arm = await app.image("arm", ["base", "two"]);
    const index = await app.index([amd, arm], { tag: "v1" });
    const signature = await app.artifact("signature", index);
    const untagged = await app.image("untagged", ["three"]);
    await stores.tree.repository("other").image("x", ["base"], { tag: "latest", algorithm: "sha512" });
    await stores.tree.blob("garbage");
    const report = await stores.create();
    expect(report).toMatchObject({
      problemCount: 0,
      counts: { repositories: 2, tags: 2, manifests: 6 },
    });
    const target = new MemoryDriver();
    const restored = await stores.restore(target);
    expect(restored.tags).toEqual({ new: 2, same: 0, overwritten: 0, kept: 0, lacking: 0 });
    expect(await tagsIn(target)).toEqual(await tagsIn(stores.source));
    expect(await missingIn(target)).toEqual([]);
    const back = new BackupStores(target).tree.repository("team/app");
    for (const { digest } of [signature, untagged]) expect(await back.missingFor(digest)).toEqual([]);
    const files = await stores.tree.files("/docker/registry/v2/repositories");
    expect(await back.tree.files("/docker/registry/v2/repositories")).toEqual(files);
  });

  it("copies nothing twice", async () => {
    const stores = new BackupStores();
    const app = stores.tree.repository("app");
    await app.image("one", ["base", "1"], { tag: "v1" });
    expect((await stores.create()).copied.files).toBe(4);
    expect((await stores.create()).copied).toEqual({ files: 0, bytes: 0 });
    await app.image("two", ["base", "2"], { tag: "v2" });
    expect((await stores.create()).copied.files).toBe(3);
    const { snapshots } = await listBackups(stores.backup, { repositories: false, signal: none });
    expect(snapshots.map(({ counts }) => counts?.tags)).toEqual([1, 1, 2]);
  });

  it("copies a layer again that is cut off in the backup, and else does without it", async () => {
    const stores = new BackupStores();
    const app = stores.tree.repository("app");
    const layer = await app.layer("a layer that is cut off");
    await app.image("one", [layer, "whole"], { tag: "v1" });
    await stores.create();
    const path = blobDataPath(layer.digest);
    await stores.backup.put(path, Buffer.from("a layer"));
    expect(await stores.create()).toMatchObject({ copied: { files: 1 }, problemCount: 0 });
    expect(await stores.backup.get(path)).toEqual(await stores.source.get(path));
    await stores.backup.put(path, Buffer.from("a layer"));
    await stores.source.delete(path);
    expect((await stores.create()).problems).toMatchObject([
      { kind: "missing", tags: ["v1"], digest: layer.digest },
    ]);
  });

  it("reads a repository from which a layer is lost a few times, not again and again", async () => {
    const store = new MemoryDriver();
    const seen = new Map<string, number>();
    const stores = new BackupStores(withRequests(store, (path) => seen.set(path, (seen.get(path) ?? 0) + 1)));
    const tree = new RegistryTree(store);
    const layer = await tree.repository("app").layer("a layer that is lost");
    await tree.repository("app").image("one", [layer, "whole"], { tag: "v1" });
    await store.delete(blobDataPath(layer.digest));
    expect((await stores.create()).problems).toMatchObject([{ kind: "missing", tags: ["v1"] }]);
    // Its time, and what it holds, at the first time and two more.
    expect(seen.get(tagCurrentLinkPath("app", "v1"))).toBeLessThanOrEqual(6);
  });

  it("tells once that a folder cannot be listed, however often it is tried", async () => {
    const store = new MemoryDriver();
    const tree = new RegistryTree(store);
    const layer = await tree.repository("app").layer("a layer that is lost");
    await tree.repository("app").image("one", [layer], { tag: "v1" });
    await tree.repository("app").image("two", ["layer"], { tag: "v2" });
    await store.delete(blobDataPath(layer.digest));
    const folder = dirname(tagCurrentLinkPath("app", "v2"));
    const stores = new BackupStores(
      withRequests(store, (path, what) => {
        if (what === "list" && path === folder) throw new StorageUnavailableError("EACCES");
      }),
    );
    const { problems } = await stores.create();
    expect(problems.filter(({ kind }) => kind === "unlisted")).toHaveLength(1);
  });

  it("goes on where the store does not say whether a manifest is linked, and tells it", async () => {
    const store = new MemoryDriver();
    const app = new RegistryTree(store).repository("app");
    const arm = await app.image("arm", ["layer"]);
    await app.index([arm], { tag: "v1" });
    await app.image("other", ["layer"], { tag: "v2" });
    const link = revisionLinkPath("app", arm.digest);
    await store.delete(link);
    const stores = new BackupStores(
      withRequests(store, (path, what) => {
        if (what === "stat" && path === link) throw new StorageUnavailableError("no answer");
      }),
    );
    expect(await stores.create()).toMatchObject({
      ...{ counts: { tags: 2 }, problemCount: 1 },
      problems: [{ kind: "failed", tags: ["v1"], digest: arm.digest, detail: "no answer" }],
    });
  });

  it("asks once for a platform that many indexes list and nobody has pushed", async () => {
    const store = new MemoryDriver();
    const seen = new Map<string, number>();
    const stores = new BackupStores(withRequests(store, (path) => seen.set(path, (seen.get(path) ?? 0) + 1)));
    const app = new RegistryTree(store).repository("app");
    const arm = await app.image("arm", ["layer"]);
    for (let tag = 0; tag < 30; tag++) {
      await app.index([await app.image(`amd ${tag}`, ["layer"]), arm], { tag: `v${tag}` });
    }
    await store.delete(revisionLinkPath("app", arm.digest));
    await store.delete(blobDataPath(arm.digest));
    expect(await stores.create()).toMatchObject({ problemCount: 0, counts: { tags: 30 } });
    // By four at a time, and once more each before it is believed.
    expect(seen.get(revisionLinkPath("app", arm.digest))).toBeLessThanOrEqual(8);
  });

  it("believes a manifest that tells a wrong size no more than the registry does", async () => {
    const stores = new BackupStores();
    const app = stores.tree.repository("app");
    const layer = await app.layer("layer");
    await app.image("one", [{ ...layer, size: 999 }], { tag: "v1" });
    expect((await stores.create()).copied.files).toBe(3);
    expect(await stores.create()).toMatchObject({ copied: { files: 0 }, problemCount: 0 });
  });

  it("leaves out what no tag needs if it is told to, but not what is attached to what they need", async () => {
    const stores = new BackupStores();
    const app = stores.tree.repository("app");
    const image = await app.image("one", ["1"], { tag: "v1" });
    const signature = await app.artifact("signature", image);
    const untagged = await app.image("two", ["2"]);
    const report = await stores.create({ tagsOnly: true });
    expect(report.counts.manifests).toBe(2);
    const target = new MemoryDriver();
    await stores.restore(target);
    const back = new BackupStores(target).tree.repository("app");
    expect(await back.missingFor(signature.digest)).toEqual([]);
    expect(await back.hasRevision(untagged.digest)).toBe(false);
    expect(await back.tree.hasBlob(untagged.digest)).toBe(false);
  });

  it("copies only manifests with metadata alone, and restores tags over blobs that are there", async () => {
    const stores = new BackupStores();
    const app = stores.tree.repository("app");
    const kept = await app.image("kept", ["layer"], { tag: "kept" });
    await app.image("lost", ["gone"], { tag: "lost" });
    const report = await stores.create({ metadataOnly: true });
    expect(report.copied.files).toBe(2);
    await app.untag("kept");
    await stores.source.delete(revisionLinkPath("app", kept.digest));
    const lost = Buffer.from("gone");
    await stores.source.delete(blobDataPath(digestOf(lost)));
    await app.untag("lost");
    const restored = await stores.restore(stores.source);
    expect(restored.tags).toMatchObject({ new: 1, lacking: 1 });
    expect(restored.lacking).toMatchObject([{ repository: "app", tags: ["lost"], lacks: digestOf(lost) }]);
    expect([...(await tagsIn(stores.source)).keys()]).toEqual(["app:kept"]);
    expect(await missingIn(stores.source)).toEqual([]);
  });

  it("names what is damaged, and takes the snapshot without it", async () => {
    const stores = new BackupStores();
    const app = stores.tree.repository("app");
    const layer = await app.layer("to be damaged");
    await app.image("bad", [layer], { tag: "bad" });
    await app.image("good", ["fine"], { tag: "good" });
    await stores.source.put(blobDataPath(layer.digest), Buffer.from("damaged"));
    const strict = await stores.create({ strict: true });
    expect(strict).toMatchObject({ snapshot: undefined, damagedCount: 1 });
    expect((await listBackups(stores.backup, { repositories: false, signal: none })).snapshots).toEqual([]);
    const report = await stores.create();
    expect(report.problems).toMatchObject([
      { kind: "damaged", repository: "app", tags: ["bad"], digest: layer.digest },
    ]);
    const target = new MemoryDriver();
    const restored = await stores.restore(target);
    expect(restored.lacking).toMatchObject([{ tags: ["bad"], lacks: layer.digest }]);
    expect([...(await tagsIn(target)).keys()]).toEqual(["app:good"]);
  });

  it("tells tags whose manifest, or whose link, is not to be had", async () => {
    const stores = new BackupStores();
    const app = stores.tree.repository("app");
    await app.image("good", ["fine"], { tag: "good" });
    const lost = await app.image("lost", ["x"], { tag: "lost" });
    await stores.source.delete(blobDataPath(lost.digest));
    await stores.source.put(tagCurrentLinkPath("app", "empty"), new Uint8Array());
    const report = await stores.create();
    expect(report.problems).toMatchObject([
      { kind: "unreadable", tags: ["empty"] },
      { kind: "missing", tags: ["lost"], digest: lost.digest },
    ]);
    expect((await stores.restore(new MemoryDriver())).tags).toMatchObject({ new: 1, lacking: 1 });
  });

  it("reads a tag again whose manifest was replaced and collected meanwhile", async () => {
    const stores = new BackupStores();
    const app = stores.tree.repository("app");
    const old = await app.image("old", ["1"], { tag: "v1" });
    const { source } = stores;
    const get = source.get.bind(source);
    let isMoved = false;
    const live = {
      ...withoutAbilities(source),
      get: async (path: string) => {
        if (path === blobDataPath(old.digest) && !isMoved) {
          isMoved = true;
          await app.image("new", ["2"], { tag: "v1" });
          await source.delete(revisionLinkPath("app", old.digest));
          await source.delete(blobDataPath(old.digest));
        }
        return get(path);
      },
    };
    const watched = new BackupStores(live, stores.backup);
    const report = await watched.create();
    expect(isMoved).toBe(true);
    expect(report.problems).toEqual([]);
    const target = new MemoryDriver();
    await watched.restore(target);
    expect(await tagsIn(target)).toEqual(await tagsIn(source));
    expect(await missingIn(target)).toEqual([]);
  });

  it("leaves no snapshot when it is ended, and goes on with what is copied", async () => {
    const stores = new BackupStores();
    await stores.tree.repository("app").image("one", ["1", "2"], { tag: "v1" });
    const controller = new AbortController();
    const { backup } = stores;
    const put = backup.put.bind(backup);
    backup.put = async (path, content) => {
      await put(path, content);
      if (path.includes("/blobs/")) controller.abort();
    };
    await expect(stores.create({ concurrency: 1 }, controller.signal)).rejects.toThrow(
      "no snapshot was written",
    );
    backup.put = put;
    expect((await listBackups(backup, { repositories: false, signal: none })).snapshots).toEqual([]);
    expect((await stores.create()).copied.files).toBeLessThan(4);
    await stores.restore(new MemoryDriver());
  });

  it("refuses what holds something else, and lets one backup at a time work", async () => {
    const stores = new BackupStores();
    await stores.tree.repository("app").image("one", ["1"], { tag: "v1" });
    await stores.create();
    await expect(stores.create({ sourceIdentity: "memory:other" })).rejects.toThrow(
      "of another registry: the source",
    );
    await stores.create({ sourceIdentity: "memory:other", isMoved: true });
    const lock = await acquireStoreLock(stores.backup, { ...HOLDER, pid: 2 }, () => stores.nowMs);
    await expect(stores.create({ sourceIdentity: "memory:other" })).rejects.toThrow(
      "has been working on this store",
    );
    await lock.release();
    const live = new BackupStores(stores.source, stores.source);
    await expect(live.create()).rejects.toThrow("holds a registry, and no backups");
    const empty = new BackupStores();
    await expect(empty.create()).rejects.toThrow("has no repositories");
    expect((await empty.create({ allowEmpty: true })).snapshot).toBeDefined();
  });

  it("refuses the registry's own store under another name", async () => {
    const source = new MemoryDriver();
    const stores = new BackupStores(source, source);
    await expect(stores.create({ allowEmpty: true })).rejects.toThrow("in the registry's own store");
  });

  it("ends without a snapshot when the backup is full", async () => {
    const stores = new BackupStores();
    await stores.tree.repository("app").image("one", ["1"], { tag: "v1" });
    const { backup } = stores;
    const openWriter = backup.openWriter.bind(backup);
    backup.openWriter = async (...args): Promise<FileWriter> => {
      const writer = await openWriter(...args);
      writer.write = () => Promise.reject(new StorageFullError("no room"));
      return writer;
    };
    await expect(stores.create()).rejects.toThrow("no room");
    expect(await listBackups(backup, { repositories: false, signal: none })).toMatchObject({ snapshots: [] });
  });
});

describe("BlobCopier", () => {
  it("goes on after failures, until nothing succeeds any more", async () => {
    const source = new MemoryDriver();
    source.getSync = () => {
      throw new StorageUnavailableError("gone");
    };
    const copier = new BlobCopier(source, new MemoryDriver(), { signal: none, concurrency: 1 });
    const digest = (number: number): Digest => `sha256:${number.toString(16).padStart(64, "0")}` as Digest;
    const failed: string[] = [];
    const blobs = Array.from({ length: 30 }, (_, number) => ({ digest: digest(number), sizeBytes: 1 }));
    await expect(
      copier.copyAll(blobs, ({ digest: each }, { kind }) => failed.push(`${each} ${kind}`)),
    ).rejects.toThrow("gone");
    expect(failed).toHaveLength(20);
  });
});

describe("layer links", () => {
  it("are restored only for what manifests need", async () => {
    const stores = new BackupStores();
    const app = stores.tree.repository("app");
    await app.image("one", ["1"], { tag: "v1" });
    const loose = await app.layer("loose");
    await stores.create();
    const target = new MemoryDriver();
    await stores.restore(target);
    expect(await new BackupStores(target).tree.has(layerLinkPath("app", loose.digest))).toBe(false);
  });
});
