import { openFilesystemStore } from "./open-stores.ts";
import { describeStorageDriver } from "./storage-driver.ts";

describeStorageDriver("filesystem", { open: openFilesystemStore, largeBytes: 3_000_000 });
