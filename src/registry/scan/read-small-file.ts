import { PathNotFoundError } from "../../errors.ts";
import { hasSmallReads } from "../../storage/abilities.ts";
import type { StorageDriver } from "../../storage/driver.ts";

/**
 * Reads a link or a manifest by the cheapest way that the driver has.
 *
 * @returns undefined if there is no such file
 */
export async function readSmallFile(driver: StorageDriver, path: string): Promise<Uint8Array | undefined> {
  if (hasSmallReads(driver)) return driver.getSync(path);
  try {
    return await driver.get(path);
  } catch (error) {
    if (error instanceof PathNotFoundError) return undefined;
    throw error;
  }
}

/**
 * Size and time of a file by the cheapest way that the driver has.
 *
 * @returns undefined if there is no such file
 */
export async function statSmallFile(
  driver: StorageDriver,
  path: string,
): Promise<{ sizeBytes: number; modifiedMs: number } | undefined> {
  if (hasSmallReads(driver)) return driver.statFileSync(path);
  try {
    const info = await driver.stat(path);
    return info.isFolder ? undefined : info;
  } catch (error) {
    if (error instanceof PathNotFoundError) return undefined;
    throw error;
  }
}
