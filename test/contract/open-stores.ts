import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { StorageDriver } from "../../src/storage/driver.ts";
import { FilesystemDriver } from "../../src/storage/filesystem/filesystem-driver.ts";
import { MemoryDriver } from "../../src/storage/memory/memory-driver.ts";
import type { AbilityName } from "./cases/ability-guards.ts";
import type { OpenStore } from "./cases/store-under-test.ts";

/** Puts something around a driver; for a read-only wrapper the plain driver makes the files. */
export interface Wrapping {
  wrap: (driver: StorageDriver) => StorageDriver;
  seedWithPlain?: boolean;
}

/** What the memory driver can. */
export const MEMORY_ABILITIES: readonly AbilityName[] = [
  "Scannable",
  "NameListing",
  "SmallReads",
  "BulkDelete",
  "ExclusiveCreate",
  "StoreClock",
];

/** What the filesystem driver can: everything. */
export const FILESYSTEM_ABILITIES: readonly AbilityName[] = [
  ...MEMORY_ABILITIES,
  "SynchronousFolders",
  "FastReads",
  "EmptyFolders",
  "DurableRemovals",
  "TemporaryFiles",
];

/** A new store in memory. */
export async function openMemoryStore(wrapping?: Wrapping): Promise<OpenStore> {
  const plain = new MemoryDriver();
  return {
    driver: wrapping ? wrapping.wrap(plain) : plain,
    ...(wrapping?.seedWithPlain ? { seed: plain } : {}),
    leftovers: async () => (await plain.list("/")).map((file) => file.path),
    close: async () => undefined,
  };
}

/** A new store in a temporary folder. */
export async function openFilesystemStore(wrapping?: Wrapping): Promise<OpenStore> {
  const rootDirectory = await mkdtemp(join(tmpdir(), "registry-ctl-contract-"));
  const plain = new FilesystemDriver({ rootDirectory });
  return {
    driver: wrapping ? wrapping.wrap(plain) : plain,
    ...(wrapping?.seedWithPlain ? { seed: plain } : {}),
    leftovers: async () => {
      const entries = await readdir(rootDirectory, { recursive: true, withFileTypes: true });
      return entries
        .filter((entry) => !entry.isDirectory())
        .map((entry) => join(entry.parentPath, entry.name));
    },
    close: () => rm(rootDirectory, { recursive: true }),
  };
}
