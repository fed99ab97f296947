import { FILESYSTEM_ABILITIES, openFilesystemStore } from "./open-stores.ts";
import { describeStorageDriver } from "./storage-driver.ts";

describeStorageDriver("filesystem", {
  open: openFilesystemStore,
  largeBytes: 3_000_000,
  abilities: FILESYSTEM_ABILITIES,
});
