import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { StorageUnavailableError } from "../../../../../src/errors.ts";
import { KeptRotation } from "../../../../../src/operations/verify/rotation/kept-rotation.ts";
import { verifyRegistry } from "../../../../../src/operations/verify/verify-registry.ts";
import { MemoryDriver } from "../../../../../src/storage/memory/memory-driver.ts";
import { RegistryTree } from "../../../../support/registry-tree.ts";
import { temporaryFolder } from "../../../../support/temporary-folder.ts";

const FILE = "checksum-rotation.json";

async function opened(percent: number, nowMs: number, folder: string) {
  const problems: string[] = [];
  const kept = new KeptRotation(percent, { folder, nowMs, onProblem: (text) => void problems.push(text) });
  return { kept, problems };
}

async function runOf(driver: MemoryDriver, percent: number, nowMs: number, folder: string) {
  const { kept, problems } = await opened(percent, nowMs, folder);
  const report = await verifyRegistry(
    { driver, nowMs: () => nowMs },
    {
      ...{ checksumPercent: percent, rotation: kept.rotation, repositories: [], concurrency: 4 },
      usesMetadataDatabase: false,
    },
  );
  kept.keep();
  return { report, rotation: kept.report(), problems };
}

describe("KeptRotation", () => {
  it("covers all blobs in so many runs as the share says, and tells since when", async () => {
    const folder = await temporaryFolder();
    const driver = new MemoryDriver();
    for (let n = 0; n < 60; n++) await new RegistryTree(driver).blob(`blob ${n}`);
    let blobs = 0;
    for (let run = 1; run <= 4; run++) {
      const { report, rotation } = await runOf(driver, 30, run * 1000, folder);
      blobs += report.checksum?.blobs ?? 0;
      expect(rotation.coveredSince).toBe(run < 4 ? undefined : new Date(1000).toISOString());
      expect(rotation.coveredPercent).toBe(Math.min(100, run * 30));
    }
    expect(blobs).toBe(60);
    const { rotation } = await runOf(driver, 30, 5000, folder);
    expect(rotation).toEqual({
      fromPercent: 0,
      toPercent: 30,
      coveredPercent: 100,
      coveredSince: new Date(2000).toISOString(),
    });
  });

  it("does not count what could not be read as covered", async () => {
    const folder = await temporaryFolder();
    const driver = new MemoryDriver();
    await new RegistryTree(driver).blob("blob");
    const getSync = driver.getSync.bind(driver);
    driver.getSync = (path) => {
      if (path.startsWith("/docker/registry/v2/blobs")) throw new StorageUnavailableError("denied");
      return getSync(path);
    };
    const { report, rotation } = await runOf(driver, 100, 1000, folder);
    expect(report.uncheckedCount).toBe(1);
    expect(rotation).toEqual({ fromPercent: 0, toPercent: 100, coveredPercent: 0 });
  });

  it("keeps its turn if nothing was hashed, and where a stopped run has come to", async () => {
    const folder = await temporaryFolder();
    const { kept } = await opened(50, 1000, folder);
    kept.keep();
    await expect(readFile(join(folder, FILE))).rejects.toThrow("ENOENT");
    kept.rotation.finish();
    kept.keep();
    const { kept: next } = await opened(50, 2000, folder);
    expect(next.rotation.from).toBe(kept.rotation.to);
  });

  it.each([
    "",
    "{",
    '{"schemaVersion":1,"next":-1,"ranges":[]}',
    '{"schemaVersion":1,"next":0,"ranges":[{"from":5,"to":1,"atMs":0}]}',
  ])("begins anew, and says so, if what was kept is %j", async (text) => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, FILE), text);
    const { kept, problems } = await opened(50, 1000, folder);
    expect(kept.rotation.from).toBe(0);
    expect(problems.join()).toContain("begins anew");
  });
});
