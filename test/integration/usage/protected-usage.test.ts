import { describe, expect, it } from "vitest";
import { ProtectedImages, parseProtected } from "../../../src/operations/tags/protected.ts";
import { readUsage } from "../../../src/operations/usage/read-usage.ts";
import { reportUsage } from "../../../src/operations/usage/report-usage.ts";
import { repositoryPath, tagCurrentLinkPath } from "../../../src/registry/paths.ts";
import { MemoryDriver } from "../../../src/storage/memory/memory-driver.ts";
import { collect } from "../../support/collect.ts";
import { RegistryTree } from "../../support/registry-tree.ts";

/** A signed image that is protected, and others that share layers with it. */
async function world() {
  const driver = new MemoryDriver();
  const tree = new RegistryTree(driver);
  const running = await tree.repository("a").image("running", ["base", "app"], { tag: "v1" });
  await tree.repository("a").artifact("signature", running);
  await tree.repository("a").image("second", ["base", "second"], { tag: "v2" });
  await tree.repository("b").image("other", ["app", "other"], { tag: "v1" });
  await tree.repository("c").image("third", ["third"], { tag: "v1" });
  const protectedImages = new ProtectedImages([parseProtected(running.digest) ?? []].flat());
  const exclusive = async (by: "repository" | "tag"): Promise<Map<string, number | undefined>> => {
    const model = await readUsage(
      { driver, nowMs: Date.now },
      {
        ...{ graceMs: 0, concurrency: 4, wantsPushes: false, wantsTagNeeds: true },
        protectedDigests: protectedImages.digests,
      },
    );
    const { rows } = reportUsage(model, {
      ...{ by, sort: "name", top: undefined, sinceMs: undefined, overBytes: undefined },
      ...{ overBy: "sizeBytes", directory: undefined, depth: 1, isFromGitLab: false, graceMs: 0 },
    });
    return new Map(rows.map(({ name, exclusiveBytes }) => [name, exclusiveBytes]));
  };
  const collectedBytes = async (deleteUntagged: boolean): Promise<number> =>
    (await collect(driver, { deleteUntagged, protectedImages })).deleted.bytes;
  return { driver, tree, exclusive, collectedBytes };
}

describe("usage of what is protected", () => {
  it.each(["a", "b", "c"])(
    "tells what a collection frees once the repository %s is deleted",
    async (name) => {
      const { driver, tree, exclusive, collectedBytes } = await world();
      const told = (await exclusive("repository")).get(name);
      for (const path of await tree.files(repositoryPath(name))) await driver.delete(path);
      expect(await collectedBytes(false)).toBe(told);
    },
  );

  it.each([
    ["a", "v1"],
    ["a", "v2"],
    ["b", "v1"],
  ])("tells what a collection frees once the tag %s:%s is deleted", async (name, tag) => {
    const { driver, exclusive, collectedBytes } = await world();
    const told = (await exclusive("tag")).get(`${name}:${tag}`);
    await driver.delete(tagCurrentLinkPath(name, tag));
    expect(await collectedBytes(true)).toBe(told);
  });
});
