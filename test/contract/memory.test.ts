import { MEMORY_ABILITIES, openMemoryStore } from "./open-stores.ts";
import { describeStorageDriver } from "./storage-driver.ts";

describeStorageDriver("memory", {
  open: openMemoryStore,
  largeBytes: 3_000_000,
  abilities: MEMORY_ABILITIES,
});
