import { countDriver } from "../../src/storage/wrappers/count/count-driver.ts";
import { limitDriver } from "../../src/storage/wrappers/limit/limit-driver.ts";
import { readOnlyDriver } from "../../src/storage/wrappers/read-only/read-only-driver.ts";
import { retryDriver } from "../../src/storage/wrappers/retry/retry-driver.ts";
import { openFilesystemStore, openMemoryStore, type Wrapping } from "./open-stores.ts";
import { describeStorageDriver } from "./storage-driver.ts";

const WRAPPINGS: Record<string, Wrapping> = {
  retry: { wrap: (driver) => retryDriver(driver) },
  limit: { wrap: (driver) => limitDriver(driver, 2) },
  count: { wrap: (driver) => countDriver(driver).driver },
  "read-only": { wrap: readOnlyDriver, seedWithPlain: true },
};

for (const [name, wrapping] of Object.entries(WRAPPINGS)) {
  const shared = { largeBytes: 1_500_000, supports: { changes: !wrapping.seedWithPlain } };
  describeStorageDriver(`${name} over memory`, { open: () => openMemoryStore(wrapping), ...shared });
  describeStorageDriver(`${name} over filesystem`, { open: () => openFilesystemStore(wrapping), ...shared });
}
