import { randomBytes } from "node:crypto";
import { PathNotFoundError } from "../../errors.ts";
import { LOCKFILES_ROOT } from "../../registry/paths.ts";
import { deleteIfThere, removeIfEmpty } from "../../registry/small-file.ts";
import { hasEmptyFolders } from "../../storage/abilities.ts";
import type { StorageDriver } from "../../storage/driver.ts";

/** Below it lie, for moments, files of ours by which a store is tried. */
export const PROBE_FOLDER = `${LOCKFILES_ROOT}/registry-ctl.migration-probe`;

/** A run is done with its probes far sooner, also where the clock of the store is another one. */
const MAX_USE_MS = 60 * 60_000;

/** The folders above the probes, the innermost first. */
const FOLDERS = [PROBE_FOLDER, LOCKFILES_ROOT, "/docker/registry", "/docker"];

/** Files of ours that a store is tried with. */
export interface Probes {
  /** Nobody else uses them. */
  paths: readonly string[];
  /** Removes them, and the folders that were made for them. Never rejects. */
  remove(): Promise<void>;
}

/** Chooses names for files that a store is to be tried with; nothing is written. */
export async function openProbes(driver: StorageDriver, count: number): Promise<Probes> {
  const run = randomBytes(8).toString("hex");
  const paths = Array.from({ length: count }, (_, index) => `${PROBE_FOLDER}/${run}-${index}`);
  const missing = await missingFolders(driver);
  return {
    paths,
    async remove() {
      for (const path of paths) await deleteIfThere(driver, path).catch(() => undefined);
      for (const folder of missing) await removeIfEmpty(driver, folder).catch(() => undefined);
    },
  };
}

/**
 * Removes what runs that were killed have left. Younger ones may be another run's that tries the same store now, and would take it for one that loses
 * files. Never rejects.
 *
 * @param nowMs - by this host's clock
 */
export async function removeOldProbes(driver: StorageDriver, nowMs: number): Promise<void> {
  try {
    for (const { path, isFolder, modifiedMs } of await driver.list(PROBE_FOLDER)) {
      if (!isFolder && nowMs - modifiedMs > MAX_USE_MS) await deleteIfThere(driver, path);
    }
    await removeIfEmpty(driver, PROBE_FOLDER);
  } catch {
    // They do no harm; whether the store works is tried next.
  }
}

/** An empty folder that was there before is not ours to remove. */
async function missingFolders(driver: StorageDriver): Promise<string[]> {
  if (!hasEmptyFolders(driver)) return [];
  const missing: string[] = [];
  for (const folder of FOLDERS) {
    try {
      await driver.stat(folder);
    } catch (error) {
      if (error instanceof PathNotFoundError) missing.push(folder);
    }
  }
  return missing;
}
