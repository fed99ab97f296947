import { describe, expect, it } from "vitest";
import { ProtectedImages, parseProtected } from "../../../src/operations/tags/protected.ts";
import { blobDataPath, revisionLinkPath } from "../../../src/registry/paths.ts";
import { FilesystemDriver } from "../../../src/storage/filesystem/filesystem-driver.ts";
import { collect } from "../../support/collect.ts";
import { STORES } from "../../support/registry-stores.ts";
import { RegistryTree } from "../../support/registry-tree.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

function protecting(...texts: string[]): ProtectedImages {
  return new ProtectedImages(texts.flatMap((text) => parseProtected(text) ?? []));
}

const threads = { read: 1, remove: 1 };

describe.each(STORES)("a collection that is to keep images, on %s", (_, open) => {
  it("keeps a manifest with all that it needs, and goes on without the others", async () => {
    const driver = await open();
    const tree = new RegistryTree(driver);
    const app = tree.repository("app");
    await app.image("tagged", ["a"], { tag: "v1" });
    const running = await app.index([await app.image("1", ["b"]), await app.image("2", ["c"])]);
    const signature = await app.artifact("signature", running);
    const dead = await app.image("dead", ["d"]);

    const protectedImages = protecting(running.digest, "app:v1", "other:v7");
    const { deleted, warnings } = await collect(driver, { deleteUntagged: true, protectedImages });

    expect(deleted.manifests).toBe(1);
    expect(warnings).toEqual(["--protect: nothing in the store is other:v7"]);
    for (const { digest } of [running, signature]) expect(await app.missingFor(digest)).toEqual([]);
    expect(await tree.hasBlob(dead.digest)).toBe(false);
    expect((await collect(driver, { deleteUntagged: true })).deleted.manifests).toBe(4);
  });

  it("keeps a config or layer alone, and not the image that has it", async () => {
    const driver = await open();
    const tree = new RegistryTree(driver);
    const app = tree.repository("app");
    await app.image("tagged", ["a"], { tag: "v1" });
    const dead = await app.image("dead", ["b", "c"]);
    const layer = await app.layer("b");

    await collect(driver, { deleteUntagged: true, protectedImages: protecting(layer.digest) });

    expect(await tree.hasBlob(layer.digest)).toBe(true);
    expect(await app.hasLayer(layer.digest)).toBe(true);
    expect(await tree.hasBlob(dead.digest)).toBe(false);
  });

  it("keeps the bytes of an image to which no link leads any more", async () => {
    const driver = await open();
    const tree = new RegistryTree(driver);
    const app = tree.repository("app");
    await app.image("tagged", ["a"], { tag: "v1" });
    const running = await app.image("running", ["b"]);
    const layer = await app.layer("b");
    await driver.delete(revisionLinkPath("app", running.digest));

    for (const deleteUntagged of [false, true])
      await collect(driver, { deleteUntagged, protectedImages: protecting(`app@${running.digest}`) });

    expect(await tree.has(blobDataPath(running.digest))).toBe(true);
    expect(await tree.has(blobDataPath(layer.digest))).toBe(true);
  });

  it("keeps the bytes of an index to which no link leads any more, down to its layers", async () => {
    const driver = await open();
    const tree = new RegistryTree(driver);
    const app = tree.repository("app");
    await app.image("tagged", ["a"], { tag: "v1" });
    const child = await app.image("child", ["b"]);
    const running = await app.index([child]);
    const layer = await app.layer("b");
    for (const { digest } of [running, child]) await driver.delete(revisionLinkPath("app", digest));

    await collect(driver, { deleteUntagged: true, protectedImages: protecting(running.digest) });

    for (const { digest } of [running, child, layer]) expect(await tree.hasBlob(digest)).toBe(true);
  });
});

it("keeps images where the store is read in threads", async () => {
  const driver = new FilesystemDriver({ rootDirectory: await temporaryFolder() });
  const app = new RegistryTree(driver).repository("app");
  await app.image("tagged", ["a"], { tag: "v1" });
  const running = await app.image("running", ["b"]);
  await app.image("dead", ["c"]);
  const options = { deleteUntagged: true, protectedImages: protecting(running.digest) };
  const { deleted } = await collect(driver, options, { threads });
  expect(deleted.manifests).toBe(1);
  expect(await app.missingFor(running.digest)).toEqual([]);
});
