import { countDriver } from "../../src/storage/wrappers/count/count-driver.ts";
import { limitDriver } from "../../src/storage/wrappers/limit/limit-driver.ts";
import { readOnlyDriver } from "../../src/storage/wrappers/read-only/read-only-driver.ts";
import { retryDriver } from "../../src/storage/wrappers/retry/retry-driver.ts";
import type { AbilityName } from "./cases/ability-guards.ts";
import {
  FILESYSTEM_ABILITIES,
  MEMORY_ABILITIES,
  openFilesystemStore,
  openMemoryStore,
  type Wrapping,
} from "./open-stores.ts";
import { describeStorageDriver } from "./storage-driver.ts";

const WRAPPINGS: Record<string, Wrapping> = {
  retry: { wrap: (driver) => retryDriver(driver) },
  limit: { wrap: (driver) => limitDriver(driver, 2) },
  count: { wrap: (driver) => countDriver(driver).driver },
  "read-only": { wrap: readOnlyDriver, seedWithPlain: true },
};

for (const [name, wrapping] of Object.entries(WRAPPINGS)) {
  const changes = !wrapping.seedWithPlain;
  // The clock is read off a file that the driver writes.
  const passedOn = (abilities: readonly AbilityName[]) =>
    abilities.filter((ability) => changes || ability !== "StoreClock");
  describeStorageDriver(`${name} over memory`, {
    open: () => openMemoryStore(wrapping),
    largeBytes: 1_500_000,
    abilities: passedOn(MEMORY_ABILITIES),
    supports: { changes },
  });
  describeStorageDriver(`${name} over filesystem`, {
    open: () => openFilesystemStore(wrapping),
    largeBytes: 1_500_000,
    abilities: passedOn(FILESYSTEM_ABILITIES),
    supports: { changes },
  });
}
