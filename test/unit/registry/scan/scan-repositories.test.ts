import { describe, expect, it } from "vitest";
import { DigestTable } from "../../../../src/registry/graph/digest-table.ts";
import { scanRepositories } from "../../../../src/registry/scan/scan-repositories.ts";
import { MemoryDriver } from "../../../../src/storage/memory/memory-driver.ts";
import { RegistryTree } from "../../../support/registry-tree.ts";

async function scan(driver: MemoryDriver) {
  const found: { name: string; layers: number; revisions: number; tags: string[] }[] = [];
  const options = { table: new DigestTable(), onFailure: () => {}, onStray: () => {} };
  for await (const { name, layers, revisions, tags } of scanRepositories(driver, options)) {
    found.push({ name, layers: layers.length, revisions: revisions.length, tags: [...tags.keys()] });
  }
  return found;
}

describe("scanRepositories", () => {
  it("gives each repository once and whole, also where one lies within another", async () => {
    const tree = new RegistryTree(new MemoryDriver());
    for (const name of ["a", "a/0", "a/b", "a-b", "a0"]) {
      await tree.repository(name).image("one", ["layer"], { tag: "v1" });
    }

    const found = await scan(tree.driver as MemoryDriver);

    expect(found.map(({ name }) => name).sort()).toEqual(["a", "a-b", "a/0", "a/b", "a0"]);
    for (const { layers, revisions, tags } of found) {
      expect({ layers, revisions, tags }).toEqual({ layers: 2, revisions: 1, tags: ["v1"] });
    }
  });

  it("gives the same by plain listings as by a bulk scan", async () => {
    const tree = new RegistryTree(new MemoryDriver());
    for (const name of ["a", "a/b", "c/d/e"]) await tree.repository(name).image("one", [], { tag: "v1" });
    const bulk = await scan(tree.driver as MemoryDriver);
    Object.defineProperty(tree.driver, "scan", { value: undefined });
    expect(await scan(tree.driver as MemoryDriver)).toEqual(bulk);
  });
});
