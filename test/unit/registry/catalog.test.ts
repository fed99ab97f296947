import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { digestOf } from "../../../src/oci/digest.ts";
import { revisionFolderPath, revisionLinkPath } from "../../../src/registry/paths.ts";
import { Registry } from "../../../src/registry/registry.ts";
import { MemoryDriver } from "../../../src/storage/memory/memory-driver.ts";
import { countDriver } from "../../../src/storage/wrappers/count/count-driver.ts";
import { pushBlob, pushImage, STORES } from "../../support/registry-stores.ts";

const DIGEST = digestOf(Buffer.from("x"));

async function registryWith(names: Iterable<string>, driver = new MemoryDriver()): Promise<Registry> {
  for (const name of names) await driver.put(revisionLinkPath(name, DIGEST), Buffer.from(DIGEST));
  return new Registry(driver);
}

describe.each(STORES)("catalog in %s", (_name, open) => {
  it("is empty for an empty store", async () => {
    expect(await new Registry(await open()).catalog({ limit: 10 })).toEqual({ names: [], more: false });
  });

  it("lists repositories with manifests or tags, nested ones too, in byte order of names", async () => {
    const registry = new Registry(await open());
    for (const name of ["a0", "a/x", "a-b/y", "a", "a-b", "b/c/d"])
      await pushImage(registry.repository(name), name);
    await registry.repository("tagged").tags.set("v1", DIGEST);
    const names = ["a", "a-b", "a-b/y", "a/x", "a0", "b/c/d", "tagged"];
    expect(await registry.catalog({ limit: 100 })).toEqual({ names, more: false });
    expect(await registry.catalog({ limit: 7 })).toEqual({ names, more: false });
    expect(await registry.catalog({ limit: 2 })).toEqual({ names: ["a", "a-b"], more: true });
    expect(await registry.catalog({ limit: 2, last: "a-b/z" })).toEqual({ names: ["a/x", "a0"], more: true });
    expect(await registry.catalog({ limit: 0 })).toEqual({ names: [], more: false });
  });

  it("leaves out what has only blobs, uploads or what deletion left behind", async () => {
    const driver = await open();
    const registry = new Registry(driver);
    await pushBlob(registry.repository("blobs"), "abc");
    await registry.repository("uploads").uploads.start();
    const { digest } = await pushImage(registry.repository("emptied"), "config", ["v1"]);
    await registry.repository("emptied").manifests.delete(digest);
    await driver.put(
      "/docker/registry/v2/repositories/Bad/_manifests/tags/v1/current/link",
      Buffer.from(DIGEST),
    );
    expect(await registry.catalog({ limit: 10 })).toEqual({ names: [], more: false });
    expect(await registry.repository("emptied").exists()).toBe(false);
    await pushImage(registry.repository("emptied"), "config");
    expect(await registry.repository("emptied").exists()).toBe(true);
  });
});

describe("catalog pages", () => {
  const component = fc.stringMatching(/^[a-b0]([.-][a-b0])?$/);
  const name = fc.array(component, { minLength: 1, maxLength: 3 }).map((parts) => parts.join("/"));

  it("give each repository exactly once, in byte order, whatever the page size", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(name, { maxLength: 25 }),
        fc.integer({ min: 1, max: 9 }),
        async (names, limit) => {
          const registry = await registryWith(names);
          const seen: string[] = [];
          for (let more = true; more; ) {
            const page = await registry.catalog({
              limit,
              ...(seen.length > 0 ? { last: seen.at(-1) ?? "" } : {}),
            });
            if (page.more) expect(page.names).toHaveLength(limit);
            seen.push(...page.names);
            more = page.more;
          }
          expect(seen).toEqual([...names].sort());
        },
      ),
      { numRuns: 150 },
    );
  });

  it("go on behind a name that does not exist", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(name, { maxLength: 15 }),
        fc.string({ maxLength: 6 }),
        async (names, last) => {
          const registry = await registryWith(names);
          const page = await registry.catalog({ limit: 1000, last });
          expect(page.names).toEqual(names.filter((each) => each > last).sort());
        },
      ),
      { numRuns: 150 },
    );
  });

  it("read only the folders that they need", async () => {
    const listed: string[] = [];
    class Watched extends MemoryDriver {
      override listNames(path: string) {
        listed.push(path);
        return super.listNames(path);
      }
    }
    const names = Array.from({ length: 50 }, (_, index) => `group${String(index).padStart(2, "0")}/project`);
    const registry = await registryWith(names, new Watched());
    listed.length = 0;
    expect((await registry.catalog({ limit: 2, last: "group30/project" })).names).toEqual(
      names.slice(31, 33),
    );
    // One more than asked for, to tell whether there is more.
    const groups = new Set(listed.map((path) => path.split("/")[5] ?? "all"));
    expect([...groups]).toEqual(["all", "group30", "group31", "group32", "group33"]);
  });

  it("look for one link of a repository, however many it has, and past what deletion left", async () => {
    const { driver, counts } = countDriver(new MemoryDriver());
    const digests = Array.from({ length: 300 }, (_, index) => digestOf(Buffer.from(`${index}`))).sort();
    for (const digest of digests) await driver.put(revisionLinkPath("a", digest), Buffer.from(digest));
    // A folder without a link stands before the others.
    await driver.put(`${revisionFolderPath("a", digests[0] ?? DIGEST)}/stray`, new Uint8Array());
    await driver.delete(revisionLinkPath("a", digests[0] ?? DIGEST));
    counts.calls = {};
    expect((await new Registry(driver).catalog({ limit: 5 })).names).toEqual(["a"]);
    expect(counts.calls).toMatchObject({ statFileSync: 2 });
    expect(Object.keys(counts.calls).sort()).toEqual(["listNames", "statFileSync"]);
  });
});
