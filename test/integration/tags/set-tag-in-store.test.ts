import { describe, expect, it } from "vitest";
import { planTag, setTagInStore } from "../../../src/operations/tags/set-tag.ts";
import { revisionLinkPath } from "../../../src/registry/paths.ts";
import { TagStore } from "../../../src/registry/tag-store.ts";
import { STORES } from "../../support/registry-stores.ts";
import { RegistryTree } from "../../support/registry-tree.ts";

const NAME = "group/app";
const holder = { host: "here", bootId: "b", pidNamespace: "n", pid: 1, isAlive: () => true };
const watcher = {
  tagSet: () => expect.fail("nothing is to be set"),
  tagDeleted: () => expect.fail("nothing is to be deleted"),
  manifestDeleted: () => expect.fail("nothing is to be deleted"),
};

describe.each(STORES)("a tag that was to be set on %s", (_, open) => {
  const dependencies = { holder, nowMs: Date.now, watcher, onWarning: () => {} };

  it("is left as it is where somebody has set it since, and where somebody has removed it", async () => {
    const driver = await open();
    const repository = new RegistryTree(driver).repository(NAME);
    const one = await repository.image("one", ["a"], { tag: "v1" });
    const two = await repository.image("two", ["b"]);
    const three = await repository.image("three", ["c"]);
    const planned = await planTag(driver, { repository: NAME, tag: "v1", digest: two.digest });
    expect(planned.before).toBe(one.digest);

    await repository.tag("v1", three.digest);
    await expect(setTagInStore({ driver, ...dependencies }, planned)).rejects.toThrow("by now");
    expect(await new TagStore(driver, NAME).resolve("v1")).toBe(three.digest);
    await repository.untag("v1");
    await expect(setTagInStore({ driver, ...dependencies }, planned)).rejects.toThrow("is gone by now");
    await expect(new TagStore(driver, NAME).resolve("v1")).rejects.toThrow();
  });

  it("is not set where the manifest has been collected since", async () => {
    const driver = await open();
    const repository = new RegistryTree(driver).repository(NAME);
    const one = await repository.image("one", ["a"]);
    const planned = await planTag(driver, { repository: NAME, tag: "v1", digest: one.digest });
    await driver.delete(revisionLinkPath(NAME, one.digest));
    await expect(setTagInStore({ driver, ...dependencies }, planned)).rejects.toThrow("is collected");
    await expect(new TagStore(driver, NAME).resolve("v1")).rejects.toThrow();
  });
});
