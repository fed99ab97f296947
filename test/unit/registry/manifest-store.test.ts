import { describe, expect, it } from "vitest";
import { DigestMismatchError } from "../../../src/errors.ts";
import { type Digest, digestOf } from "../../../src/oci/digest.ts";
import { InvalidManifestError, type Manifest } from "../../../src/oci/manifest.ts";
import { InvalidReferenceError } from "../../../src/oci/reference.ts";
import { ManifestUnknownError, TagUnknownError } from "../../../src/registry/errors.ts";
import {
  blobDataPath,
  revisionLinkPath,
  tagCurrentLinkPath,
  tagHistoryLinkPath,
} from "../../../src/registry/paths.ts";
import { Registry } from "../../../src/registry/registry.ts";
import type { Repository } from "../../../src/registry/repository.ts";
import { hasEmptyFolders } from "../../../src/storage/abilities.ts";
import { MemoryDriver } from "../../../src/storage/memory/memory-driver.ts";
import {
  filesOf,
  imageJson,
  indexJson,
  manifestOf,
  pushBlob,
  pushImage,
  STORES,
  withoutAbilities,
} from "../../support/registry-stores.ts";

const MISSING = digestOf(Buffer.from("missing"));

async function revisionsOf(registry: Registry, name: string): Promise<Digest[]> {
  const digests: Digest[] = [];
  for await (const digest of registry.repository(name).manifests.list()) digests.push(digest);
  return digests;
}

async function missingFrom(repository: Repository, manifest: Manifest): Promise<Digest[]> {
  const sizes = await repository.manifests.sizesOfReferences(manifest);
  return [...sizes].filter(([, sizeBytes]) => sizeBytes === undefined).map(([digest]) => digest);
}

describe.each(STORES)("manifests in %s", (_name, open) => {
  it("give back exactly the bytes that were put, by digest and by tag", async () => {
    const driver = await open();
    const repository = new Registry(driver).repository("a/b");
    const input = await pushImage(repository, "config", ["v1", "latest"]);
    for (const registry of [new Registry(driver), new Registry(withoutAbilities(driver))]) {
      const { manifests, tags } = registry.repository("a/b");
      expect(await tags.resolve("latest")).toBe(input.digest);
      const stored = await manifests.get(input.digest);
      expect(Buffer.from(stored.bytes)).toEqual(Buffer.from(input.bytes));
      expect(stored.mediaType).toBe("application/vnd.oci.image.manifest.v1+json");
      expect(stored.manifest).toEqual(input.manifest);
      expect(await manifests.sizeBytes(input.digest)).toBe(input.bytes.length);
    }
  });

  it("are stored under sha512 too", async () => {
    const driver = await open();
    const repository = new Registry(driver).repository("a");
    const input = manifestOf(imageJson(await pushBlob(repository, "config", "sha512")), ["v1"], "sha512");
    await repository.manifests.put(input);
    expect((await new Registry(driver).repository("a").manifests.get(input.digest)).digest).toBe(
      input.digest,
    );
    expect(await revisionsOf(new Registry(driver), "a")).toEqual([input.digest]);
  });

  it("lie where the Go registry puts them", async () => {
    const driver = await open();
    const repository = new Registry(driver).repository("a");
    const input = manifestOf(imageJson(MISSING), ["v1"]);
    await repository.manifests.put(input);
    const expected = [
      blobDataPath(input.digest),
      revisionLinkPath("a", input.digest),
      tagCurrentLinkPath("a", "v1"),
      tagHistoryLinkPath("a", "v1", input.digest),
    ];
    expect((await filesOf(driver)).sort()).toEqual(expected.sort());
  });

  it("belong to one repository", async () => {
    const registry = new Registry(await open());
    const { digest } = await pushImage(registry.repository("one"), "config");
    await expect(registry.repository("two").manifests.get(digest)).rejects.toThrow(ManifestUnknownError);
    expect(await registry.repository("two").manifests.sizeBytes(digest)).toBeUndefined();
  });

  it("are found even if a crash left their revision link empty", async () => {
    const driver = await open();
    const repository = new Registry(driver).repository("a");
    const { digest } = await pushImage(repository, "config");
    await driver.put(revisionLinkPath("a", digest), new Uint8Array());
    expect((await repository.manifests.get(digest)).digest).toBe(digest);
  });

  it("are gone as soon as another process has removed the link or the data", async () => {
    const driver = await open();
    const { manifests } = new Registry(driver).repository("a");
    const one = await pushImage(new Registry(driver).repository("a"), "one");
    const two = await pushImage(new Registry(driver).repository("a"), "two");
    await manifests.get(one.digest);
    await driver.delete(revisionLinkPath("a", one.digest));
    await expect(manifests.get(one.digest)).rejects.toThrow(ManifestUnknownError);
    await driver.delete(blobDataPath(two.digest));
    await expect(manifests.get(two.digest)).rejects.toThrow(ManifestUnknownError);
    expect(await manifests.sizeBytes(two.digest)).toBeUndefined();
  });

  it("are never given out when they are damaged, and are mended by the next push", async () => {
    const driver = await open();
    const repository = new Registry(driver).repository("a");
    const input = await pushImage(repository, "config");
    await driver.put(blobDataPath(input.digest), Buffer.from(input.bytes).reverse());
    await expect(repository.manifests.get(input.digest)).rejects.toThrow(DigestMismatchError);
    await repository.manifests.put(input);
    expect(Buffer.from((await repository.manifests.get(input.digest)).bytes)).toEqual(
      Buffer.from(input.bytes),
    );
  });

  it("of an unknown kind are refused with what is wrong", async () => {
    const driver = await open();
    const bytes = Buffer.from('{"schemaVersion":2,"mediaType":"text/plain"}');
    await driver.put(blobDataPath(digestOf(bytes)), bytes);
    await driver.put(revisionLinkPath("a", digestOf(bytes)), Buffer.from(digestOf(bytes)));
    const { manifests } = new Registry(driver).repository("a");
    await expect(manifests.get(digestOf(bytes))).rejects.toThrow(InvalidManifestError);
  });

  it("are not stored under a wrong digest or with a wrong tag, nor any part of them", async () => {
    const driver = await open();
    const { manifests } = new Registry(driver).repository("a");
    const input = manifestOf(imageJson(MISSING));
    await expect(manifests.put({ ...input, digest: MISSING })).rejects.toThrow(DigestMismatchError);
    await expect(manifests.put({ ...input, tags: ["ok", "../x"] })).rejects.toThrow(InvalidReferenceError);
    expect(await filesOf(driver)).toEqual([]);
  });

  it("take their tags with them when they are deleted, and leave other tags and the data", async () => {
    const driver = await open();
    const registry = new Registry(driver);
    const repository = registry.repository("a");
    const one = await pushImage(repository, "one", ["moved", "b", "a"]);
    const two = await pushImage(repository, "two", ["moved", "two"]);
    expect(await repository.manifests.delete(one.digest)).toEqual({ untagged: ["a", "b"] });
    expect((await repository.tags.list()).tags).toEqual(["moved", "two"]);
    await expect(repository.tags.resolve("a")).rejects.toThrow(TagUnknownError);
    await expect(repository.manifests.get(one.digest)).rejects.toThrow(ManifestUnknownError);
    await expect(repository.manifests.delete(one.digest)).rejects.toThrow(ManifestUnknownError);
    expect(await revisionsOf(registry, "a")).toEqual([two.digest]);
    expect(await filesOf(driver)).toContain(blobDataPath(one.digest));
  });

  it("are listed in byte order, without folders that the Go registry's delete leaves behind", async () => {
    const driver = await open();
    const registry = new Registry(driver);
    const pushed: Digest[] = [];
    for (const content of ["one", "two", "three"]) {
      pushed.push((await pushImage(registry.repository("a"), content)).digest);
    }
    await driver.delete(revisionLinkPath("a", pushed[1] ?? MISSING));
    expect(await revisionsOf(registry, "a")).toEqual([pushed[0], pushed[2]].sort());
    expect(await revisionsOf(registry, "none")).toEqual([]);
  });

  it("keep the folders that the Go registry's collector needs when the last one is deleted", async () => {
    const driver = await open();
    if (!hasEmptyFolders(driver)) return;
    const repository = new Registry(driver).repository("a");
    const { digest } = await pushImage(repository, "config", ["v1"]);
    await repository.manifests.delete(digest);
    const names = (await driver.list("/docker/registry/v2/repositories/a/_manifests")).map(
      (info) => info.path,
    );
    expect(names.map((path) => path.split("/").at(-1))).toEqual(["revisions", "tags"]);
    expect(await driver.list("/docker/registry/v2/repositories/a/_manifests/tags")).toEqual([]);
  });
});

describe.each(STORES)("references of a manifest in %s", (_name, open) => {
  it("are missing if the repository lacks the config, a layer or a child, each told once in order", async () => {
    const registry = new Registry(await open());
    const repository = registry.repository("a");
    const [config, layer] = [await pushBlob(repository, "config"), await pushBlob(repository, "layer")];
    const elsewhere = await pushBlob(registry.repository("b"), "elsewhere");
    const image = manifestOf(imageJson(config, [layer, elsewhere, MISSING, elsewhere]));
    expect(await missingFrom(repository, image.manifest)).toEqual([elsewhere, MISSING]);
    const child = await pushImage(repository, "child");
    const foreign = await pushImage(registry.repository("b"), "foreign");
    const index = manifestOf(indexJson([child.digest, foreign.digest, MISSING]));
    expect(await missingFrom(repository, index.manifest)).toEqual([foreign.digest, MISSING]);
  });

  it("come with the sizes that are stored, of blobs and of manifests", async () => {
    const repository = new Registry(await open()).repository("a");
    const layer = await pushBlob(repository, "layer");
    const child = await pushImage(repository, "child");
    const { manifest } = manifestOf(indexJson([child.digest, layer, MISSING]));
    expect([...(await repository.manifests.sizesOfReferences(manifest))]).toEqual([
      [child.digest, child.bytes.length],
      [layer, "layer".length],
      [MISSING, undefined],
    ]);
  });

  it("do not include the subject or layers that are fetched elsewhere", async () => {
    const repository = new Registry(await open()).repository("a");
    const config = await pushBlob(repository, "config");
    const foreign = {
      mediaType: "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
      digest: MISSING,
      size: 2,
    };
    const subject = { mediaType: "application/vnd.oci.image.manifest.v1+json", digest: MISSING, size: 2 };
    const { manifest } = manifestOf(imageJson(config, [], { layers: [foreign], subject }));
    expect(await missingFrom(repository, manifest)).toEqual([]);
  });

  it("may be blobs in an index, as in the caches of BuildKit, but manifests are no layers", async () => {
    const repository = new Registry(await open()).repository("a");
    const layer = await pushBlob(repository, "layer");
    const index = manifestOf(indexJson([layer]));
    expect(await missingFrom(repository, index.manifest)).toEqual([]);
    const child = await pushImage(repository, "child");
    const image = manifestOf(imageJson(layer, [child.digest]));
    expect(await missingFrom(repository, image.manifest)).toEqual([child.digest]);
  });

  it("are looked up in the store, not in what is remembered", async () => {
    const driver = await open();
    const repository = new Registry(driver).repository("a");
    const child = await pushImage(repository, "child");
    await repository.manifests.get(child.digest);
    await driver.delete(blobDataPath(child.digest));
    const index = manifestOf(indexJson([child.digest]));
    expect(await missingFrom(repository, index.manifest)).toEqual([child.digest]);
  });
});

it("writes data, revision link, history link and current link in this order", async () => {
  const written: string[] = [];
  class Watched extends MemoryDriver {
    override put(path: string, content: Uint8Array) {
      written.push(path);
      return super.put(path, content);
    }
  }
  const input = manifestOf(imageJson(MISSING), ["v1", "v2"]);
  const repository = new Registry(new Watched()).repository("a");
  const order = [
    blobDataPath(input.digest),
    revisionLinkPath("a", input.digest),
    tagHistoryLinkPath("a", "v1", input.digest),
    tagCurrentLinkPath("a", "v1"),
    tagHistoryLinkPath("a", "v2", input.digest),
    tagCurrentLinkPath("a", "v2"),
  ];
  await repository.manifests.put(input);
  expect(written).toEqual(order);
  await repository.manifests.put(input);
  expect(written).toEqual([...order, ...order]);
});

it("reads the data of a manifest once, however often it is asked for", async () => {
  const read: string[] = [];
  class Watched extends MemoryDriver {
    override getSync(path: string) {
      read.push(path);
      return super.getSync(path);
    }
  }
  const driver = new Watched();
  const { digest } = await pushImage(new Registry(driver).repository("a"), "config", ["v1"]);
  const registry = new Registry(driver);
  for (let times = 0; times < 3; times++) {
    const { manifests, tags } = registry.repository("a");
    await manifests.get(await tags.resolve("v1"));
  }
  expect(read.filter((path) => path === blobDataPath(digest))).toHaveLength(1);
  const forgetful = new Registry(driver, { manifestCacheBytes: 0 });
  read.length = 0;
  for (let times = 0; times < 3; times++) await forgetful.repository("a").manifests.get(digest);
  expect(read).toHaveLength(3);
});
