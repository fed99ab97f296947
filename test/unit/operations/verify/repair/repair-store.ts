import type {
  RepairDependencies,
  RepairOptions,
} from "../../../../../src/operations/verify/repair/repair-options.ts";
import { repairRegistry } from "../../../../../src/operations/verify/repair/repair-registry.ts";
import type { RepairReport } from "../../../../../src/operations/verify/repair/repair-report.ts";
import { StoreSource } from "../../../../../src/operations/verify/repair/store-source.ts";
import type { StorageDriver } from "../../../../../src/storage/driver.ts";

/** Repairs a store as the command does, with nobody else at work. */
export function repair(
  driver: StorageDriver,
  options: Partial<RepairOptions> & { from?: StorageDriver; dependencies?: Partial<RepairDependencies> } = {},
): Promise<RepairReport> {
  const { from, dependencies, ...rest } = options;
  return repairRegistry(
    {
      driver,
      source: from && new StoreSource(from),
      threads: 0,
      nowMs: Date.now,
      holder: { host: "h", bootId: "b", pidNamespace: "n", pid: 1, isAlive: () => true },
      probe: async () => ({ kind: "nobody" }),
      journal: undefined,
      version: "1.0.0",
      auditOf: async () => [],
      ...dependencies,
    },
    {
      dryRun: false,
      checksumPercent: undefined,
      concurrency: 4,
      usesMetadataDatabase: false,
      otherStores: [],
      signal: new AbortController().signal,
      onProgress: () => undefined,
      onPlan: async () => undefined,
      ...rest,
    },
  );
}
