import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { digestOf } from "../../../src/oci/digest.ts";
import { InvalidReferenceError } from "../../../src/oci/reference.ts";
import { RepositoryUnknownError, TagUnknownError } from "../../../src/registry/errors.ts";
import { tagCurrentLinkPath, tagHistoryLinkPath } from "../../../src/registry/paths.ts";
import { Registry } from "../../../src/registry/registry.ts";
import { MemoryDriver } from "../../../src/storage/memory/memory-driver.ts";
import { wrapDriver } from "../../../src/storage/wrappers/wrap-driver.ts";
import { filesOf, pushImage, STORES, textOf } from "../../support/registry-stores.ts";

const ONE = digestOf(Buffer.from("one"));
const TWO = digestOf(Buffer.from("two"), "sha512");

describe.each(STORES)("tags in %s", (_name, open) => {
  it("resolves a tag to what it was last set to and remembers what it was before", async () => {
    const driver = await open();
    const { tags } = new Registry(driver).repository("a/b");
    await tags.set("v1", ONE);
    await tags.set("v1", TWO);
    expect(await tags.resolve("v1")).toBe(TWO);
    expect(await textOf(driver, tagCurrentLinkPath("a/b", "v1"))).toBe(TWO);
    expect(await textOf(driver, tagHistoryLinkPath("a/b", "v1", ONE))).toBe(ONE);
    expect(await textOf(driver, tagHistoryLinkPath("a/b", "v1", TWO))).toBe(TWO);
  });

  it("reads a link with white space behind it and refuses an empty or broken one with the reason", async () => {
    const driver = await open();
    const { tags } = new Registry(driver).repository("a");
    await driver.put(tagCurrentLinkPath("a", "edited"), Buffer.from(`${ONE}\n`));
    await driver.put(tagCurrentLinkPath("a", "empty"), new Uint8Array());
    await driver.put(tagCurrentLinkPath("a", "broken"), Buffer.from("sha256:12"));
    expect(await tags.resolve("edited")).toBe(ONE);
    await expect(tags.resolve("empty")).rejects.toThrow(
      "tag empty is not in repository a: its link is broken: it is empty",
    );
    await expect(tags.resolve("broken")).rejects.toThrow(TagUnknownError);
    await expect(tags.resolve("never")).rejects.toThrow(TagUnknownError);
  });

  it("refuses what is no tag before it becomes a path", async () => {
    const driver = await open();
    const { tags } = new Registry(driver).repository("a");
    for (const bad of ["../../b", "", ".x", "a/b", "x".repeat(129)]) {
      await expect(tags.resolve(bad)).rejects.toThrow(InvalidReferenceError);
      await expect(tags.set(bad, ONE)).rejects.toThrow(InvalidReferenceError);
      await expect(tags.delete(bad)).rejects.toThrow(InvalidReferenceError);
    }
    expect(await filesOf(driver)).toEqual([]);
  });

  it("lists tags in byte order, in pages", async () => {
    const { tags } = new Registry(await open()).repository("a");
    for (const tag of ["a", "a-b", "a.b", "a0", "Z", "_", "10", "9"]) await tags.set(tag, ONE);
    const all = ["10", "9", "Z", "_", "a", "a-b", "a.b", "a0"];
    expect(await tags.list()).toEqual({ tags: all, more: false });
    expect(await tags.list({ limit: 3 })).toEqual({ tags: ["10", "9", "Z"], more: true });
    expect(await tags.list({ last: "Z", limit: 5 })).toEqual({ tags: all.slice(3), more: false });
    expect(await tags.list({ last: "a-", limit: 1 })).toEqual({ tags: ["a-b"], more: true });
    expect(await tags.list({ last: "zzz" })).toEqual({ tags: [], more: false });
    expect(await tags.list({ limit: 0 })).toEqual({ tags: [], more: false });
  });

  it("does not list a tag folder without a current link, nor files and names that are no tags", async () => {
    const driver = await open();
    const { tags } = new Registry(driver).repository("a");
    await tags.set("whole", ONE);
    await driver.put(tagHistoryLinkPath("a", "half", ONE), Buffer.from(ONE));
    await driver.put("/docker/registry/v2/repositories/a/_manifests/tags/file", Buffer.from(ONE));
    await driver.put(
      "/docker/registry/v2/repositories/a/_manifests/tags/.bad/current/link",
      Buffer.from(ONE),
    );
    expect((await tags.list()).tags).toEqual(["whole"]);
    expect(await tags.list({ limit: 1 })).toEqual({ tags: ["whole"], more: false });
  });

  it("tells a repository without tags from one that does not exist", async () => {
    const registry = new Registry(await open());
    await pushImage(registry.repository("untagged"), "config");
    expect(await registry.repository("untagged").tags.list()).toEqual({ tags: [], more: false });
    await expect(registry.repository("none").tags.list()).rejects.toThrow(RepositoryUnknownError);
  });

  it("deletes exactly one tag with its history", async () => {
    const driver = await open();
    const { tags } = new Registry(driver).repository("a");
    await tags.set("v1", ONE);
    await tags.set("v1", TWO);
    await tags.set("v1.1", ONE);
    await tags.delete("v1");
    expect(await filesOf(driver)).toEqual([
      tagCurrentLinkPath("a", "v1.1"),
      tagHistoryLinkPath("a", "v1.1", ONE),
    ]);
    await expect(tags.delete("v1")).rejects.toThrow(TagUnknownError);
    await expect(tags.resolve("v1")).rejects.toThrow(TagUnknownError);
  });

  it("finds the tags that point to a manifest now, past broken ones", async () => {
    const driver = await open();
    const { tags } = new Registry(driver).repository("a");
    for (const tag of ["b", "a", "moved"]) await tags.set(tag, ONE);
    await tags.set("moved", TWO);
    await driver.put(tagCurrentLinkPath("a", "broken"), new Uint8Array());
    expect(await tags.pointingTo(ONE)).toEqual(["a", "b"]);
    expect(await new Registry(driver).repository("none").tags.pointingTo(ONE)).toEqual([]);
  });

  it("deletes a tag only while it points to the given manifest", async () => {
    const { tags } = new Registry(await open()).repository("a");
    await tags.set("v1", ONE);
    expect(await tags.deleteIfPointingTo("v1", TWO)).toBe(false);
    expect(await tags.resolve("v1")).toBe(ONE);
    expect(await tags.deleteIfPointingTo("v1", ONE)).toBe(true);
    expect(await tags.deleteIfPointingTo("v1", ONE)).toBe(false);
  });
});

it("pages through any tags once, whatever the page size", async () => {
  const tag = fc.stringMatching(/^[a-b0_][a-b0._-]{0,3}$/);
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(tag, { maxLength: 12 }),
      fc.integer({ min: 1, max: 5 }),
      async (names, limit) => {
        const { tags } = new Registry(new MemoryDriver()).repository("a");
        await tags.set("zz", ONE);
        for (const name of names) await tags.set(name, ONE);
        const seen: string[] = [];
        for (let more = true; more; ) {
          const page = await tags.list({ limit, ...(seen.length > 0 ? { last: seen.at(-1) ?? "" } : {}) });
          expect(page.tags.length).toBeLessThanOrEqual(limit);
          seen.push(...page.tags);
          more = page.more;
        }
        expect(seen).toEqual([...names, "zz"].sort());
      },
    ),
    { numRuns: 60 },
  );
});

describe("a tag that somebody deletes while it is set", () => {
  const [current, history] = [tagCurrentLinkPath("a/b", "v1"), tagHistoryLinkPath("a/b", "v1", ONE)];

  /** @param onSet - called when the current link has been written */
  function storeWith(inner: MemoryDriver, onSet: () => Promise<unknown>) {
    return wrapDriver(inner, {
      call: async ({ method, path }, run) => {
        const result = await run();
        if (method === "put" && path === current) await onSet();
        return result;
      },
    });
  }

  it("keeps its history", async () => {
    const inner = new MemoryDriver();
    const { tags } = new Registry(storeWith(inner, () => inner.delete(history))).repository("a/b");
    await tags.set("v1", ONE);
    expect(await textOf(inner, history)).toBe(ONE);
  });

  it("gets none where it is gone altogether", async () => {
    const inner = new MemoryDriver();
    const onSet = () => Promise.all([history, current].map((path) => inner.delete(path)));
    await new Registry(storeWith(inner, onSet)).repository("a/b").tags.set("v1", ONE);
    expect(await filesOf(inner)).toEqual([]);
  });

  it("is told of also where its history cannot be put back", async () => {
    const inner = new MemoryDriver();
    let puts = 0;
    const driver = wrapDriver(
      storeWith(inner, () => inner.delete(history)),
      {
        call: async ({ method, path }, run) => {
          if (method === "put" && path === history && ++puts === 2) throw new Error("no room");
          return run();
        },
      },
    );
    const told: string[] = [];
    const watcher = {
      tagSet: (tag: string, _: string, digest: string) => void told.push(`${tag} ${digest}`),
      tagDeleted: () => {},
      manifestDeleted: () => {},
    };
    const { tags } = new Registry(driver).repository("a/b", watcher);
    await expect(tags.set("v1", ONE)).rejects.toThrow("no room");
    expect(told).toEqual([`v1 ${ONE}`]);
  });
});
