import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { PathNotFoundError, StorageUnavailableError } from "../../../src/errors.ts";
import {
  blobDataPath,
  layerLinkPath,
  revisionLinkPath,
  tagCurrentLinkPath,
  tagsPath,
} from "../../../src/registry/paths.ts";
import type { ScanFailure, ScannedFile } from "../../../src/storage/abilities.ts";
import type { FileInfo } from "../../../src/storage/driver.ts";
import { FilesystemDriver } from "../../../src/storage/filesystem/filesystem-driver.ts";
import { MemoryDriver } from "../../../src/storage/memory/memory-driver.ts";
import { collect } from "../../support/collect.ts";
import { RegistryTree } from "../../support/registry-tree.ts";

const NOTHING = { blobs: 0, bytes: 0, manifests: 0, layerLinks: 0, tagHistoryLinks: 0 };
const folders: string[] = [];

afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true });
});

async function filesystemTree(): Promise<RegistryTree> {
  const folder = await mkdtemp(join(tmpdir(), "registry-ctl-gc-"));
  folders.push(folder);
  return new RegistryTree(new FilesystemDriver({ rootDirectory: folder }));
}

/** A store whose bulk scan adds keys that no file system has, or fails for a folder. */
class OddScanDriver extends MemoryDriver {
  extraKeys: string[] = [];
  failingFolder: { path: string; error: unknown } | undefined;

  override async *scan(
    path: string,
    onFailure: (failure: ScanFailure) => void = () => {},
  ): AsyncGenerator<ScannedFile[]> {
    const failing = this.failingFolder;
    for (const key of this.extraKeys)
      if (key.startsWith(path)) yield [{ path: key, sizeBytes: 0, modifiedMs: 0 }];
    for await (const batch of super.scan(path)) {
      yield batch.filter((file) => !failing || !file.path.startsWith(`${failing.path}/`));
    }
    if (failing?.path.startsWith(path)) onFailure(failing);
  }
}

describe.each([
  ["memory", async () => new RegistryTree(new MemoryDriver())],
  ["filesystem", filesystemTree],
])("on %s, faults of the Go registry's collector", (_, openTree) => {
  it("keeps the untagged children of a tagged index", async () => {
    const tree = await openTree();
    const app = tree.repository("app");
    const children = [await app.image("amd64", ["a"]), await app.image("arm64", ["b"])];
    const index = await app.index(children, { tag: "v1" });
    const before = await tree.files();

    const report = await collect(tree.driver, { deleteUntagged: true });

    expect(report.deleted).toEqual(NOTHING);
    expect(await app.missingFor(index.digest)).toEqual([]);
    expect(await tree.files()).toEqual(before);
  });

  it.each([
    ["first", "b/tagged"],
    ["second", "0/tagged"],
  ])(
    "treats an untagged manifest apart from its tagged copy in another repository, listed %s",
    async (_order, other) => {
      const tree = await openTree();
      const [here, there] = [tree.repository("a/untagged"), tree.repository(other)];
      const image = await here.image("same", ["layer"]);
      await there.image("same", ["layer"], { tag: "v1" });
      const kept = await here.image("kept", ["mine"], { tag: "v1" });

      const report = await collect(tree.driver, { deleteUntagged: true });

      expect(report.deleted).toEqual({ ...NOTHING, manifests: 1, layerLinks: 2 });
      expect(await here.hasRevision(image.digest)).toBe(false);
      expect(await there.missingFor(image.digest)).toEqual([]);
      expect(await here.missingFor(kept.digest)).toEqual([]);
    },
  );

  it("goes on where a link is empty, and reads the digest of a revision from its path", async () => {
    const tree = await openTree();
    const app = tree.repository("app");
    const image = await app.image("one", ["layer"], { tag: "v1" });
    await tree.driver.put(revisionLinkPath("app", image.digest), Buffer.from(""));
    const orphan = await tree.blob("orphan");

    const report = await collect(tree.driver, { deleteUntagged: true });

    expect(report.deleted).toEqual({ ...NOTHING, blobs: 1, bytes: 6 });
    expect(report.warnings).toEqual([]);
    expect(await app.missingFor(image.digest)).toEqual([]);
    expect(await tree.hasBlob(orphan)).toBe(false);
  });

  it("has nothing to do where there is no repositories folder and no blob", async () => {
    const tree = await openTree();
    expect((await collect(tree.driver, { deleteUntagged: true })).deleted).toEqual(NOTHING);
  });

  it("takes an emptied repository out of the catalog, with the folders above it", async () => {
    const tree = await openTree();
    const gone = tree.repository("group/project/gone");
    await gone.image("old", ["layer"]);
    await tree.repository("group/kept").image("new", ["layer"], { tag: "v1" });

    await collect(tree.driver, { deleteUntagged: true });

    expect(await tree.has("/docker/registry/v2/repositories/group/project")).toBe(false);
    expect(await tree.has("/docker/registry/v2/repositories/group/kept")).toBe(true);
  });

  it("keeps grandchildren of nested indexes, and shrinks the history of live tags", async () => {
    const tree = await openTree();
    const app = tree.repository("app");
    const old = await app.image("old", ["old"], { tag: "v1" });
    const inner = await app.index([await app.image("deep", ["deep layer"])]);
    const middle = await app.index([inner]);
    const outer = await app.index([middle], { tag: "v1" });

    const report = await collect(tree.driver, { deleteUntagged: true });

    expect(report.deleted).toMatchObject({ manifests: 1, tagHistoryLinks: 1 });
    expect(await app.hasHistory("v1", old.digest)).toBe(false);
    expect(await app.missingFor(outer.digest)).toEqual([]);
  });

  it("keeps mounted blobs and sha512 digests", async () => {
    const tree = await openTree();
    const [from, to] = [tree.repository("from"), tree.repository("to")];
    const layer = await from.layer("shared", "sha512");
    await to.linkLayer(layer.digest);
    const image = await to.image("one", [layer], { tag: "v1", algorithm: "sha512" });

    const report = await collect(tree.driver, { deleteUntagged: true });

    expect(report.deleted).toEqual({ ...NOTHING, layerLinks: 1 });
    expect(await from.hasLayer(layer.digest)).toBe(false);
    expect(await to.missingFor(image.digest)).toEqual([]);
  });

  it("removes manifests of a repository without tags folder, with their links", async () => {
    const tree = await openTree();
    const app = tree.repository("app");
    const image = await app.image("one", ["layer"]);
    await tree.repository("other").image("two", [], { tag: "v1" });
    expect(await tree.has(tagsPath("app"))).toBe(false);

    const report = await collect(tree.driver, { deleteUntagged: true });

    expect(report.deleted).toMatchObject({ manifests: 1, layerLinks: 2, blobs: 3 });
    expect(await app.hasRevision(image.digest)).toBe(false);
    expect(await tree.files("/docker/registry/v2/repositories/app")).toEqual([]);
  });

  it("removes a revision link that another collector left without its manifest", async () => {
    const tree = await openTree();
    const app = tree.repository("app");
    const image = await app.image("one", ["layer"]);
    const kept = await app.image("two", ["layer two"], { tag: "v1" });
    await tree.driver.delete(blobDataPath(image.digest));

    const report = await collect(tree.driver, { deleteUntagged: true });

    expect(report.deleted).toMatchObject({ manifests: 1, layerLinks: 2, blobs: 2 });
    expect(report.warnings).toEqual([]);
    expect(await app.hasRevision(image.digest)).toBe(false);
    expect(await app.missingFor(kept.digest)).toEqual([]);
  });

  it("never removes the tags folder while a revision remains", async () => {
    const tree = await openTree();
    const app = tree.repository("app");
    await app.image("one", ["layer"], { tag: "v1" });
    await app.untag("v1");
    await app.image("two", ["layer two"]);
    const had = await tree.has(tagsPath("app"));

    await collect(tree.driver);

    expect(await tree.has(tagsPath("app"))).toBe(had);
  });

  it("leaves uploads alone", async () => {
    const tree = await openTree();
    const app = tree.repository("app");
    await app.image("one", ["layer"]);
    await app.upload("0b5b1c4e-6a3f-4d0c-8c3c-3a1f6f2b9b11", "half a layer");
    await tree.repository("other").image("two", [], { tag: "v1" });

    await collect(tree.driver, { deleteUntagged: true });

    expect(await tree.files("/docker/registry/v2/repositories/app")).toEqual([
      "/docker/registry/v2/repositories/app/_uploads/0b5b1c4e-6a3f-4d0c-8c3c-3a1f6f2b9b11/data",
      "/docker/registry/v2/repositories/app/_uploads/0b5b1c4e-6a3f-4d0c-8c3c-3a1f6f2b9b11/startedat",
    ]);
  });
});

describe("object-store oddities", () => {
  it("takes no notice of keys that stand for folders", async () => {
    const driver = new OddScanDriver();
    const app = new RegistryTree(driver).repository("app");
    const image = await app.image("one", ["layer"], { tag: "v1" });
    driver.extraKeys = [
      "/docker/registry/v2/repositories/app/",
      "/docker/registry/v2/repositories/app/_manifests/revisions/sha256/",
      "/docker/registry/v2/repositories/app/_manifests/tags/",
      "/docker/registry/v2/blobs/sha256/",
    ];

    const report = await collect(driver, { deleteUntagged: true });

    expect(report.deleted).toEqual(NOTHING);
    expect(report.warnings).toEqual([]);
    expect(await app.missingFor(image.digest)).toEqual([]);
  });
});

describe("when in doubt, keep", () => {
  it.each([
    ["denied", new StorageUnavailableError("EACCES")],
    ["gone in the middle", new PathNotFoundError("test", "/docker/registry/v2/repositories/app/_manifests")],
  ])("deletes no blob, and nothing of the repository, where a listing is %s", async (_, error) => {
    const driver = new OddScanDriver();
    const tree = new RegistryTree(driver);
    const app = tree.repository("app");
    const image = await app.image("one", ["layer"], { tag: "v1" });
    const other = tree.repository("other");
    const stray = await other.layer("stray");
    await other.image("two", [], { tag: "v1" });
    await tree.blob("orphan");
    driver.failingFolder = { path: "/docker/registry/v2/repositories/app/_manifests", error };

    const report = await collect(driver, { deleteUntagged: true });

    expect(report.deleted).toEqual({ ...NOTHING, layerLinks: 1 });
    expect(report.failed).toEqual([
      { path: "/docker/registry/v2/repositories/app/_manifests", error: error.message },
    ]);
    expect(report.warnings).toEqual([
      "some repositories could not be listed: no blob is deleted in this run",
    ]);
    expect(await app.missingFor(image.digest)).toEqual([]);
    expect(await tree.hasBlob(stray.digest)).toBe(true);
  });

  it("keeps everything where the folder of all repositories cannot be listed", async () => {
    class BrokenList extends MemoryDriver {
      override async list(path: string): Promise<FileInfo[]> {
        if (path.endsWith("/repositories")) throw new StorageUnavailableError("EIO");
        return super.list(path);
      }
    }
    const driver = new BrokenList();
    Object.defineProperty(driver, "scan", { value: undefined });
    const tree = new RegistryTree(driver);
    await tree.repository("app").image("one", ["layer"], { tag: "v1" });

    const report = await collect(driver);

    expect(report.deleted).toEqual(NOTHING);
    expect(report.failed).toEqual([{ path: "/docker/registry/v2/repositories", error: "EIO" }]);
  });

  it.each([
    ["empty", ""],
    ["garbage", "not a digest"],
    ["of an unknown algorithm", `md5:${"0".repeat(32)}`],
  ])("keeps all manifests of a repository with a tag link that is %s", async (_, content) => {
    const tree = new RegistryTree(new MemoryDriver());
    const app = tree.repository("app");
    const untagged = await app.image("one", ["layer"]);
    await app.image("two", [], { tag: "v1" });
    await tree.driver.put(tagCurrentLinkPath("app", "broken"), Buffer.from(content));
    const stray = await app.layer("stray");

    const report = await collect(tree.driver, { deleteUntagged: true });

    expect(report.deleted).toMatchObject({ manifests: 0, layerLinks: 1, blobs: 1 });
    expect(report.warnings).toEqual([expect.stringContaining("app: tag broken is unreadable")]);
    expect(await app.missingFor(untagged.digest)).toEqual([]);
    expect(await app.hasLayer(stray.digest)).toBe(false);
  });

  it.each([
    ["truncated", "{"],
    ["empty", ""],
    [
      "of another digest",
      '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}',
    ],
  ])("keeps everything of a repository with a manifest that is %s", async (_, content) => {
    const tree = new RegistryTree(new MemoryDriver());
    const app = tree.repository("app");
    const child = await app.image("child", ["layer"]);
    const index = await app.index([child], { tag: "v1" });
    const stray = await app.layer("perhaps of the broken one");
    await tree.driver.put(blobDataPath(index.digest), Buffer.from(content));
    const before = await tree.files();

    const report = await collect(tree.driver, { deleteUntagged: true });

    expect(report.deleted).toEqual(NOTHING);
    expect(report.failed).toEqual([]);
    expect(report.warnings).toEqual([expect.stringContaining(`manifest ${index.digest} is unreadable`)]);
    expect(await tree.files()).toEqual(before);
    expect(await tree.hasBlob(stray.digest)).toBe(true);
  });

  it("keeps everything of a repository with an untagged manifest of unknown type", async () => {
    const tree = new RegistryTree(new MemoryDriver());
    const app = tree.repository("app");
    await app.image("one", ["layer"], { tag: "v1" });
    await app.manifest({ schemaVersion: 2, mediaType: "application/vnd.future+json" });
    const stray = await app.layer("perhaps of the future");

    const report = await collect(tree.driver, { deleteUntagged: true });

    expect(report.deleted).toEqual(NOTHING);
    expect(await tree.hasBlob(stray.digest)).toBe(true);
  });

  it("keeps everything of a repository with a tagged manifest that is missing", async () => {
    const tree = new RegistryTree(new MemoryDriver());
    const app = tree.repository("app");
    const image = await app.image("one", ["layer"], { tag: "v1" });
    await tree.driver.delete(blobDataPath(image.digest));
    const before = await tree.files();

    const report = await collect(tree.driver, { deleteUntagged: true });

    expect(report.warnings).toEqual([expect.stringContaining("is missing")]);
    expect(await tree.files()).toEqual(before);
  });

  it("keeps everything of a repository with a revision link of an algorithm it does not know", async () => {
    const tree = new RegistryTree(new MemoryDriver());
    const app = tree.repository("app");
    await app.layer("perhaps of the unknown one");
    await tree.driver.put(
      `/docker/registry/v2/repositories/app/_manifests/revisions/blake3/${"a".repeat(64)}/link`,
      Buffer.from("x"),
    );

    const report = await collect(tree.driver);

    expect(report.deleted).toEqual(NOTHING);
    expect(report.warnings).toHaveLength(2);
  });

  it("keeps what a repository with an invalid name has", async () => {
    const tree = new RegistryTree(new MemoryDriver());
    const image = await tree.repository("good").image("one", ["layer"], { tag: "v1" });
    for (const path of await tree.files("/docker/registry/v2/repositories/good")) {
      await tree.driver.move(path, path.replace("/good/", "/BAD/"));
    }
    const before = await tree.files();

    const report = await collect(tree.driver, { deleteUntagged: true });

    expect(report.warnings).toEqual(["BAD: not a valid repository name; everything in it is kept"]);
    expect(await tree.files()).toEqual(before);
    expect(await tree.hasBlob(image.digest)).toBe(true);
  });

  it("reads schema 1 manifests", async () => {
    const tree = new RegistryTree(new MemoryDriver());
    const app = tree.repository("app");
    const image = await app.schema1([await app.layer("old format")], { tag: "v1" });
    await app.layer("stray");

    const report = await collect(tree.driver, { deleteUntagged: true });

    expect(report.deleted).toMatchObject({ layerLinks: 1, blobs: 1 });
    expect(await app.missingFor(image.digest)).toEqual([]);
  });

  it("reports unknown files and leaves them", async () => {
    const tree = new RegistryTree(new MemoryDriver());
    const app = tree.repository("app");
    await app.image("one", [], { tag: "v1" });
    const strays = [
      "/docker/registry/v2/repositories/app/_manifests/.DS_Store",
      "/docker/registry/v2/repositories/readme.txt",
      "/docker/registry/v2/blobs/sha256/aa/lost+found",
    ];
    for (const path of strays) await tree.driver.put(path, Buffer.from("x"));

    const report = await collect(tree.driver, { deleteUntagged: true });

    expect(report.warnings).toHaveLength(2);
    for (const path of strays) expect(await tree.has(path)).toBe(true);
  });

  it("keeps a blob whose layer link it could not remove", async () => {
    const path = (await new RegistryTree(new MemoryDriver()).repository("app").layer("stray")).digest;
    class Stubborn extends MemoryDriver {
      override async deleteMany(paths: readonly string[]): Promise<{ path: string; error: unknown }[]> {
        const link = layerLinkPath("app", path);
        const failed = paths
          .filter((item) => item === link)
          .map((item) => ({ path: item, error: new Error("EACCES") }));
        return [...failed, ...(await super.deleteMany(paths.filter((item) => item !== link)))];
      }
    }
    const tree = new RegistryTree(new Stubborn());
    const app = tree.repository("app");
    const stray = await app.layer("stray");
    await tree.blob("orphan");

    const report = await collect(tree.driver);

    expect(report.failed).toEqual([{ path: layerLinkPath("app", stray.digest), error: "EACCES" }]);
    expect(report.deleted).toEqual({ ...NOTHING, blobs: 1, bytes: 6 });
    expect(await tree.hasBlob(stray.digest)).toBe(true);
  });
});
