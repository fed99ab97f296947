import { describe, expect, it } from "vitest";
import { canScan, hasFileLookup, hasSmallReads } from "../../../../src/storage/abilities.ts";
import { MemoryDriver } from "../../../../src/storage/memory/memory-driver.ts";
import { timesDriver } from "../../../../src/storage/wrappers/times/times-driver.ts";
import { openBucket } from "../../../integration/s3/driver/driver-under-test.ts";

const ORIGINAL_MS = 1_600_000_000_000;
const known = {
  originalMs: (path: string, modifiedMs: number) => (path === "/d/old" ? ORIGINAL_MS : modifiedMs),
};

describe("a store with other times", () => {
  it("tells them wherever it tells times", async () => {
    const { driver: inner } = await openBucket();
    const driver = timesDriver(inner, async () => known);
    await driver.put("/d/old", Buffer.from("x"));
    await driver.put("/d/young", Buffer.from("x"));
    const { modifiedMs } = await inner.stat("/d/young");
    const expected = [
      { path: "/d/old", modifiedMs: ORIGINAL_MS },
      { path: "/d/young", modifiedMs },
    ];
    const told = (files: readonly { path: string; modifiedMs?: number }[]) =>
      files.map(({ path, modifiedMs: time }) => ({ path, modifiedMs: time }));

    expect(told(await driver.list("/d"))).toEqual(expected);
    expect(told([await driver.stat("/d/old"), await driver.stat("/d/young")])).toEqual(expected);
    const walked: { path: string; modifiedMs: number }[] = [];
    for await (const file of driver.walk("/")) walked.push(file);
    expect(told(walked)).toEqual(expected);
    if (!canScan(driver) || !hasFileLookup(driver)) throw new Error("an ability is lost");
    for await (const batch of driver.scan("/", () => undefined, { after: "" }))
      expect(told(batch)).toEqual(expected);
    expect(await driver.statFile("/d/old")).toMatchObject({ modifiedMs: ORIGINAL_MS, sizeBytes: 1 });
    expect(await driver.statFile("/d/missing")).toBeUndefined();
    expect(await driver.stat("/d")).toMatchObject({ isFolder: true, modifiedMs: 0 });
  });

  it("is asked for its times once, and not before it has told one", async () => {
    let loaded = 0;
    const inner = new MemoryDriver();
    const driver = timesDriver(inner, async () => {
      loaded++;
      return undefined;
    });
    await driver.put("/d/old", Buffer.from("x"));
    await driver.get("/d/old");
    await driver.list("/");
    await driver.stat("/d");
    expect(loaded).toBe(0);
    await Promise.all([driver.stat("/d/old"), driver.list("/d"), driver.stat("/d/old")]);
    expect(loaded).toBe(1);
    // Nothing may tell times past it.
    expect(hasSmallReads(driver)).toBe(false);
  });
});
