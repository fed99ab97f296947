import { collectGarbage } from "../../src/operations/gc/collect-garbage.ts";
import type { GarbageDependencies, GarbageOptions } from "../../src/operations/gc/garbage-options.ts";
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
  dependencies: Partial<GarbageDependencies> = {},
): Promise<GarbageReport> {
  return collectGarbage(
    {
      driver,
      nowMs: Date.now,
      holder: TEST_HOLDER,
      probe: async () => ({ kind: "nobody" }),
      ...dependencies,
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
