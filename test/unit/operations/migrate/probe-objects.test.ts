import { describe, expect, it } from "vitest";
import {
  openProbes,
  PROBE_FOLDER,
  removeOldProbes,
} from "../../../../src/operations/migrate/probe-objects.ts";
import { MemoryDriver } from "../../../../src/storage/memory/memory-driver.ts";

const HOUR_MS = 60 * 60_000;

describe("removeOldProbes", () => {
  it("removes what a killed run has left, and nothing that another run tries the store with now", async () => {
    const driver = new MemoryDriver();
    const { paths } = await openProbes(driver, 2);
    for (const path of paths) await driver.put(path, Buffer.from("x"));
    await removeOldProbes(driver, Date.now() + HOUR_MS / 2);
    expect((await driver.list(PROBE_FOLDER)).map(({ path }) => path).sort()).toEqual([...paths].sort());
    await removeOldProbes(driver, Date.now() + 2 * HOUR_MS);
    await expect(driver.list(PROBE_FOLDER)).rejects.toThrow();
  });
});
