import { describe, expect, it } from "vitest";
import { layerLinkPath } from "../../../src/registry/paths.ts";
import { MemoryDriver } from "../../../src/storage/memory/memory-driver.ts";
import { collect } from "../../support/collect.ts";
import { type Pushed, RegistryTree } from "../../support/registry-tree.ts";

/** What the Go registry stores for a layer that was pushed under its sha512: the bytes by sha256, and two links to it. */
async function goLayer(tree: RegistryTree, content: string): Promise<{ alias: Pushed; stored: Pushed }> {
  const stored = await tree.repository("app").layer(content);
  const elsewhere = new RegistryTree(new MemoryDriver());
  const alias = await elsewhere.repository("app").layer(content, "sha512");
  await tree.driver.put(layerLinkPath("app", alias.digest), Buffer.from(stored.digest));
  return { alias, stored };
}

describe("a layer that the Go registry stores under another digest than its manifest says", () => {
  it("keeps its bytes and both its links, and takes them when no manifest needs them", async () => {
    const tree = new RegistryTree(new MemoryDriver());
    const app = tree.repository("app");
    const { alias, stored } = await goLayer(tree, "pushed by sha512");
    const dead = await goLayer(tree, "of no manifest");
    await app.image("one", [alias], { tag: "v1" });

    const report = await collect(tree.driver, { deleteUntagged: true });

    expect(report.deleted).toMatchObject({ blobs: 1, layerLinks: 2 });
    expect(await tree.hasBlob(stored.digest)).toBe(true);
    expect([await app.hasLayer(alias.digest), await app.hasLayer(stored.digest)]).toEqual([true, true]);
    expect(await tree.hasBlob(dead.stored.digest)).toBe(false);
  });

  it("keeps everything of the repository where such a link cannot be read", async () => {
    const tree = new RegistryTree(new MemoryDriver());
    const app = tree.repository("app");
    const { alias, stored } = await goLayer(tree, "pushed by sha512");
    await app.image("one", [alias], { tag: "v1" });
    const link = layerLinkPath("app", alias.digest);
    const getSync = tree.driver.get.bind(tree.driver);
    Object.assign(tree.driver, {
      getSync: undefined,
      get: async (path: string) => {
        if (path === link) throw new Error("EIO");
        return getSync(path);
      },
    });

    const report = await collect(tree.driver, { deleteUntagged: true });

    expect(report.warnings).toEqual([expect.stringContaining("is unreadable: EIO; everything")]);
    expect(await tree.hasBlob(stored.digest)).toBe(true);
  });
});
