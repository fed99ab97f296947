import { randomUUID } from "node:crypto";
import { beforeEach, describe, expect, it } from "vitest";
import { CancelledError, RegistryStateError } from "../../../../src/errors.ts";
import type { PurgeReport } from "../../../../src/operations/uploads/purge-report.ts";
import {
  type PurgeDependencies,
  type PurgeRunOptions,
  runPurge,
} from "../../../../src/operations/uploads/run-purge.ts";
import { uploadDataPath, uploadPath } from "../../../../src/registry/paths.ts";
import { acquireStoreLock, STORE_LOCK_PATH, StoreLockedError } from "../../../../src/state/store-lock.ts";
import { ReadOnlyStoreError } from "../../../../src/storage/errors.ts";
import type { KeptVersions } from "../../../../src/storage/object-store-abilities.ts";
import { readOnlyDriver } from "../../../../src/storage/wrappers/read-only/read-only-driver.ts";
import { AgedMemoryDriver } from "../../../support/aged-memory-driver.ts";
import { TEST_HOLDER } from "../../../support/collect.ts";
import { filesOf } from "../../../support/registry-stores.ts";

const HOUR = 3_600_000;

describe("a purge", () => {
  let driver: AgedMemoryDriver;
  let uuid: string;

  beforeEach(async () => {
    driver = new AgedMemoryDriver();
    uuid = randomUUID();
    await driver.putAt(uploadDataPath("a", uuid), "abc", Date.now() - 200 * HOUR);
  });

  const purge = (
    options: Partial<PurgeRunOptions> = {},
    dependencies: Partial<PurgeDependencies> = {},
  ): Promise<PurgeReport> =>
    runPurge(
      {
        driver,
        nowMs: Date.now,
        holder: TEST_HOLDER,
        probe: async () => ({ kind: "other", answer: "400" }),
        ...dependencies,
      },
      {
        dryRun: false,
        olderThanMs: 168 * HOUR,
        force: false,
        skipIfLocked: false,
        otherStores: [],
        ...options,
      },
    );

  it("reports what it removed, and gives the lock back", async () => {
    const report = await purge();
    expect(report).toMatchObject({
      schemaVersion: 1,
      command: "uploads purge",
      dryRun: false,
      olderThanSeconds: 604_800,
      found: 1,
      kept: 0,
      purgedBytes: 3,
      warnings: [],
      failed: [],
      failures: 0,
      purged: [
        { repository: "a", upload: uuid, path: uploadPath("a", uuid), startedAt: "missing", bytes: 3 },
      ],
    });
    expect(await filesOf(driver)).toEqual([]);
  });

  it("shows in a dry run what the real one does", async () => {
    for (let count = 0; count < 20; count++) {
      await driver.putAt(uploadDataPath(`b/${count}`, randomUUID()), "x", Date.now() - 300 * HOUR);
    }
    const before = await filesOf(driver);
    const planned = await purge({ dryRun: true });
    expect(await filesOf(driver)).toEqual(before);
    const done = await purge();
    expect(done.purged).toEqual(planned.purged);
    expect(done.purged).toHaveLength(21);
    expect(await filesOf(driver)).toEqual([]);
  });

  it("takes the store's lock: who holds it keeps it out, unless that may be so", async () => {
    const lock = await acquireStoreLock(driver, { ...TEST_HOLDER, pid: 99 }, Date.now);
    await expect(purge()).rejects.toThrow(StoreLockedError);
    const skipped = await purge({ skipIfLocked: true });
    expect(skipped).toMatchObject({ purged: [], failures: 0 });
    expect(skipped.found).toBeUndefined();
    expect(skipped.warnings[0]).toContain("nothing done: process 99");
    expect((await purge({ dryRun: true })).purged).toHaveLength(1);
    await lock.release();
    let held = false;
    const nowMs = (): number => {
      held ||= driver.statFileSync(STORE_LOCK_PATH) !== undefined;
      return Date.now();
    };
    await purge({}, { nowMs });
    expect(held).toBe(true);
    expect(await filesOf(driver)).toEqual([]);
  });

  it("wants the registry stopped or read-only where the last hour is not spared", async () => {
    const olderThanMs = HOUR - 1;
    await expect(purge({ olderThanMs })).rejects.toThrow(RegistryStateError);
    expect(await filesOf(driver)).toHaveLength(1);
    const planned = await purge({ olderThanMs, dryRun: true, force: true });
    expect(planned.warnings[0]).toMatch(/^a real run would refuse: .*--older-than must be 1h or more$/);
    expect(planned.purged).toHaveLength(1);
    for (const kind of ["nobody", "read-only"] as const) {
      expect((await purge({ olderThanMs }, { probe: async () => ({ kind }) })).failures).toBe(0);
    }
    expect(await filesOf(driver)).toEqual([]);
  });

  it("does without that proof if it is forced to", async () => {
    expect((await purge({ olderThanMs: 0, force: true })).purged).toHaveLength(1);
  });

  it("asks nobody for a proof where the last hour is spared", async () => {
    const probe = () => Promise.reject(new Error("asked"));
    expect((await purge({ olderThanMs: HOUR }, { probe })).purged).toHaveLength(1);
  });

  it("refuses a store that may be the wrong one; a dry run warns", async () => {
    const otherStores = [new RegistryStateError("the registry stores elsewhere")];
    await expect(purge({ otherStores })).rejects.toThrow("stores elsewhere");
    expect((await purge({ otherStores, dryRun: true })).warnings).toEqual([
      "a real run would refuse: the registry stores elsewhere",
    ]);
    expect(await filesOf(driver)).toHaveLength(1);
  });

  it("refuses clocks that differ, since ages are measured by the store's", async () => {
    driver.now = async () => Date.now() + 10 * 60_000;
    await expect(purge()).rejects.toThrow("differ by 600 seconds");
    expect(await filesOf(driver)).toEqual([uploadDataPath("a", uuid)]);
  });

  it("measures ages by the store's clock", async () => {
    driver.now = async () => Date.now() - 4 * 60_000;
    await driver.putAt(uploadDataPath("a", randomUUID()), "x", Date.now() - 168 * HOUR - 120_000);
    expect(await purge()).toMatchObject({ found: 2, kept: 1 });
  });

  it("fails before anything is tried on a store that is opened read-only", async () => {
    await expect(purge({}, { driver: readOnlyDriver(driver) })).rejects.toThrow(ReadOnlyStoreError);
    expect((await purge({ dryRun: true }, { driver: readOnlyDriver(driver) })).purged).toHaveLength(1);
  });

  it("says what is done when it is stopped", async () => {
    await driver.putAt(uploadDataPath("a", randomUUID()), "x", Date.now() - 200 * HOUR);
    const stop = new AbortController();
    const onProgress = ({ phase }: { phase: string }) => phase === "removing" && stop.abort();
    const stopped = purge({ concurrency: 1, signal: stop.signal, onProgress });
    await expect(stopped).rejects.toThrow(CancelledError);
    await expect(stopped).rejects.toThrow("stopped when 1 upload had been removed");
    // The lock is given back.
    expect(await filesOf(driver)).toHaveLength(1);
  });

  it.each<[string, KeptVersions, boolean]>([
    ["keeps versions for ever", { versioning: "on", expire: false, noncurrent: undefined }, true],
    ["expires versions", { versioning: "on", expire: true, noncurrent: undefined }, false],
    ["keeps none", { versioning: "off", expire: false, noncurrent: undefined }, false],
  ])("tells whether the bytes are free in a store that %s", async (_, kept, isTold) => {
    const versioned = Object.assign(driver, { keptVersions: async () => kept });
    for (const dryRun of [true, false]) {
      const { warnings } = await purge({ dryRun }, { driver: versioned });
      const told = warnings.map((warning) => warning.includes("so that deleting frees nothing: add a rule"));
      expect(told).toEqual(isTold ? [true] : []);
    }
  });

  it("counts the requests that it takes", async () => {
    const requests = { LIST: 5, "GET object": 2 };
    const scan = driver.scan.bind(driver);
    driver.scan = (path) => {
      requests.LIST++;
      return scan(path);
    };
    const report = await purge({}, { driver: Object.assign(driver, { requests }) });
    expect(report.requests).toEqual({ LIST: 1 });
  });
});
