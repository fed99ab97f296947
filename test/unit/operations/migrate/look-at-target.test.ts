import { describe, expect, it } from "vitest";
import { countStore } from "../../../../src/operations/migrate/count-store.ts";
import {
  hasRegistryFiles,
  spaceProblem,
  swappedProblem,
  targetStateOf,
} from "../../../../src/operations/migrate/look-at-target.ts";
import { MARK_PATH, readMark, writeMark } from "../../../../src/operations/migrate/target-mark.ts";
import { MemoryDriver } from "../../../../src/storage/memory/memory-driver.ts";
import { RegistryTree } from "../../../support/registry-tree.ts";

const { signal } = new AbortController();
const MARK = { schemaVersion: 1, id: "a", source: "/srv", startedAt: "2026-01-02T03:04:05.000Z" } as const;

describe("targetStateOf", () => {
  it("tells empty stores, those of this move and those of others apart", () => {
    expect(targetStateOf(undefined, "a", false)).toBe("empty");
    expect(targetStateOf(undefined, "a", true)).toBe("foreign");
    expect(targetStateOf(MARK, "a", true)).toBe("ours");
    expect(targetStateOf(MARK, "b", false)).toBe("foreign");
    expect(targetStateOf({ ...MARK, role: "source" }, "a", true)).toBe("foreign");
  });

  it("refuses a target that the registry uses already", () => {
    const finished = { ...MARK, finishedAt: "2026-01-02T04:04:05.000Z" };
    expect(() => targetStateOf(finished, "a", true)).toThrow("uses the target since");
  });
});

describe("a store's mark", () => {
  it("comes back as it was written, and a damaged one is nobody's", async () => {
    const driver = new MemoryDriver();
    expect(await readMark(driver)).toBeUndefined();
    await writeMark(driver, MARK);
    expect(await readMark(driver)).toEqual(MARK);
    await driver.put(MARK_PATH, Buffer.from("{"));
    expect(await readMark(driver)).toMatchObject({ id: "" });
  });
});

describe("swappedProblem", () => {
  it("is one with more manifests or newer tags at the target only", async () => {
    const tree = new RegistryTree(new MemoryDriver());
    await tree.repository("a").image("one", ["l"], { tag: "v1" });
    await tree.repository("a").upload("1", "unfinished");
    const counted = await countStore(tree.driver, { signal });
    expect(counted).toMatchObject({ manifests: 1, tags: 1, blobs: 3 });
    expect(counted.files).toBe(
      (await tree.files("/docker/registry/v2")).filter((path) => !path.includes("_uploads")).length,
    );
    expect(counted.folders.map(({ files }) => files).reduce((sum, each) => sum + each)).toBe(counted.files);
    expect(swappedProblem(counted, { manifests: 1, tags: 1 }, [])).toBeUndefined();
    expect(swappedProblem(counted, { manifests: 2, tags: 1 }, [])?.message).toContain("2 manifests");
    expect(swappedProblem(counted, { manifests: 1, tags: 1 }, ["a:v1"])?.message).toContain("a:v1");
  });
});

describe("hasRegistryFiles", () => {
  it("does not count uploads and lock files", async () => {
    const driver = new MemoryDriver();
    expect(await hasRegistryFiles(driver)).toBe(false);
    await writeMark(driver, MARK);
    await new RegistryTree(driver).repository("a").upload("1", "unfinished");
    expect(await hasRegistryFiles(driver)).toBe(false);
    await new RegistryTree(driver).blob("content");
    expect(await hasRegistryFiles(driver)).toBe(true);
  });
});

describe("spaceProblem", () => {
  it("tells of bytes and of files", async () => {
    const driver = Object.assign(new MemoryDriver(), { spaceLeft: async () => ({ bytes: 1000, files: 10 }) });
    expect(await spaceProblem(driver, { missingBytes: 1000, missingFiles: 10 })).toBeUndefined();
    expect((await spaceProblem(driver, { missingBytes: 1001, missingFiles: 1 }))?.message).toContain(
      "room for 1000 B",
    );
    expect((await spaceProblem(driver, { missingBytes: 1, missingFiles: 11 }))?.message).toContain("inodes");
    expect(
      await spaceProblem(new MemoryDriver(), { missingBytes: 1e15, missingFiles: 1e15 }),
    ).toBeUndefined();
  });
});
