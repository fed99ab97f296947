import { describe, expect, it } from "vitest";
import { digestOf } from "../../../src/oci/digest.ts";
import { BlobUnknownError } from "../../../src/registry/errors.ts";
import { blobDataPath, layerLinkPath } from "../../../src/registry/paths.ts";
import { Registry } from "../../../src/registry/registry.ts";
import {
  filesOf,
  pushBlob,
  pushImage,
  STORES,
  textOf,
  textOfStream,
  withoutAbilities,
} from "../../support/registry-stores.ts";

const MISSING = digestOf(Buffer.from("missing"));

describe.each(STORES)("blobs in %s", (_name, open) => {
  it("gives size and bytes of a linked blob, whole or in part", async () => {
    const repository = new Registry(await open()).repository("a/b");
    const digest = await pushBlob(repository, "0123456789");
    expect(await repository.blobs.stat(digest)).toEqual({ digest, sizeBytes: 10 });
    expect(await textOfStream(await repository.blobs.open(digest))).toBe("0123456789");
    const part = await repository.blobs.open(digest, { offset: 2, lengthBytes: 3 });
    expect(await textOfStream(part)).toBe("234");
  });

  it("uses nothing but the driver's contract where there are no abilities", async () => {
    const repository = new Registry(withoutAbilities(await open())).repository("a/b");
    const digest = await pushBlob(repository, "abc");
    expect(await repository.blobs.stat(digest)).toEqual({ digest, sizeBytes: 3 });
    await expect(repository.blobs.stat(MISSING)).rejects.toThrow(BlobUnknownError);
    await repository.blobs.unlink(digest);
    await expect(repository.blobs.stat(digest)).rejects.toThrow(BlobUnknownError);
  });

  it("does not know a blob of another repository, nor one whose data is gone", async () => {
    const driver = await open();
    const registry = new Registry(driver);
    const digest = await pushBlob(registry.repository("one"), "abc");
    const { blobs } = registry.repository("two");
    for (const attempt of [() => blobs.stat(digest), () => blobs.open(digest)]) {
      await expect(attempt()).rejects.toThrow(BlobUnknownError);
    }
    await driver.delete(blobDataPath(digest));
    await expect(registry.repository("one").blobs.stat(digest)).rejects.toThrow(BlobUnknownError);
    await expect(registry.repository("one").blobs.open(digest)).rejects.toThrow(BlobUnknownError);
  });

  it("finds what the Go registry stored under SHA-256 by the SHA-512 with which it came", async () => {
    const driver = await open();
    const registry = new Registry(driver);
    const stored = await pushBlob(registry.repository("go"), "abc");
    const asked = digestOf(Buffer.from("abc"), "sha512");
    await driver.put(layerLinkPath("go", asked), Buffer.from(stored));
    const { blobs } = registry.repository("go");
    expect(await blobs.stat(asked)).toEqual({ digest: asked, sizeBytes: 3 });
    expect(await textOfStream(await blobs.open(asked))).toBe("abc");
    const other = registry.repository("other");
    expect(await other.blobs.mountFrom(registry.repository("go"), asked)).toEqual({
      digest: asked,
      sizeBytes: 3,
    });
    expect(await textOfStream(await other.blobs.open(asked))).toBe("abc");
    await driver.put(layerLinkPath("go", asked), new Uint8Array());
    await expect(blobs.stat(asked)).rejects.toThrow(BlobUnknownError);
  });

  it("does not take a manifest for a blob", async () => {
    const repository = new Registry(await open()).repository("a");
    const { digest } = await pushImage(repository, "config");
    await expect(repository.blobs.stat(digest)).rejects.toThrow(BlobUnknownError);
  });

  it("writes the link that the Go registry reads, and accepts its empty one", async () => {
    const driver = await open();
    const repository = new Registry(driver).repository("a/b");
    const digest = await pushBlob(repository, "abc");
    const hex = digest.slice("sha256:".length);
    expect(await textOf(driver, `/docker/registry/v2/repositories/a/b/_layers/sha256/${hex}/link`)).toBe(
      digest,
    );
    expect(await textOf(driver, `/docker/registry/v2/blobs/sha256/${hex.slice(0, 2)}/${hex}/data`)).toBe(
      "abc",
    );
    await driver.put(layerLinkPath("a/b", digest), new Uint8Array());
    expect((await repository.blobs.stat(digest)).sizeBytes).toBe(3);
  });

  it("unlinks exactly one blob of one repository and keeps its data", async () => {
    const driver = await open();
    const registry = new Registry(driver);
    const [one, two] = [registry.repository("one"), registry.repository("two")];
    const digest = await pushBlob(one, "abc");
    const other = await pushBlob(one, "other");
    await pushBlob(two, "abc");
    await one.blobs.unlink(digest);
    expect(await filesOf(driver)).toEqual(
      [
        blobDataPath(digest),
        blobDataPath(other),
        layerLinkPath("one", other),
        layerLinkPath("two", digest),
      ].sort(),
    );
    await expect(one.blobs.unlink(digest)).rejects.toThrow(BlobUnknownError);
  });

  it("mounts what the source repository has, and nothing else", async () => {
    const registry = new Registry(await open());
    const [source, target] = [registry.repository("source"), registry.repository("target")];
    const digest = await pushBlob(source, "abc");
    expect(await target.blobs.mountFrom(source, digest)).toEqual({ digest, sizeBytes: 3 });
    expect(await target.blobs.stat(digest)).toEqual({ digest, sizeBytes: 3 });
    expect(await target.blobs.mountFrom(registry.repository("empty"), digest)).toBeUndefined();
    expect(await target.blobs.mountFrom(source, MISSING)).toBeUndefined();
    await expect(target.blobs.stat(MISSING)).rejects.toThrow(BlobUnknownError);
  });

  it("links any stored blob when asked to, and nothing that is not stored", async () => {
    const driver = await open();
    const registry = new Registry(driver);
    const digest = await pushBlob(registry.repository("source"), "abc");
    const { blobs } = registry.repository("target");
    expect(await blobs.linkIfStored(digest)).toEqual({ digest, sizeBytes: 3 });
    expect(await blobs.stat(digest)).toEqual({ digest, sizeBytes: 3 });
    expect(await blobs.linkIfStored(MISSING)).toBeUndefined();
    expect(await filesOf(driver)).not.toContain(layerLinkPath("target", MISSING));
  });
});
