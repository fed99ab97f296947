import type { ProbeResult } from "../../src/client/write-probe.ts";
import { collectGarbage } from "../../src/operations/gc/collect-garbage.ts";
import type { GarbageOptions } from "../../src/operations/gc/garbage-options.ts";
import type { GarbageReport } from "../../src/operations/gc/garbage-report.ts";
import type { LockHolder } from "../../src/state/store-lock.ts";
import type { StorageDriver } from "../../src/storage/driver.ts";

/** A process that may hold a lock. */
export const TEST_HOLDER: LockHolder = {
  host: "test-host",
  bootId: "boot-1",
  pidNamespace: "pid:[1]",
  pid: 4711,
  isAlive: () => true,
};

/** Runs a collection as on a stopped registry, without grace unless `options` says otherwise. */
export async function collect(
  driver: StorageDriver,
  options: Partial<GarbageOptions> = {},
  dependencies: { nowMs?: () => number; probe?: () => Promise<ProbeResult>; holder?: LockHolder } = {},
): Promise<GarbageReport> {
  return collectGarbage(
    {
      driver,
      nowMs: dependencies.nowMs ?? Date.now,
      holder: dependencies.holder ?? TEST_HOLDER,
      probe: dependencies.probe ?? (async () => ({ kind: "nobody" })),
    },
    {
      dryRun: false,
      deleteUntagged: false,
      graceMs: 0,
      untaggedForMs: undefined,
      maxDeletePercent: undefined,
      concurrency: 4,
      allowEmpty: false,
      force: false,
      skipIfLocked: false,
      usesMetadataDatabase: false,
      otherStores: [],
      ...options,
    },
  );
}
