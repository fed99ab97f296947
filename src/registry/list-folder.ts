import { PathNotFoundError } from "../errors.ts";
import { hasNameListing } from "../storage/abilities.ts";
import type { FileInfo, StorageDriver } from "../storage/driver.ts";

/** @returns the direct children of a folder in the driver's order; none if there is no such folder */
export async function listFolder(driver: StorageDriver, path: string): Promise<FileInfo[]> {
  try {
    return await driver.list(path);
  } catch (error) {
    if (error instanceof PathNotFoundError) return [];
    throw error;
  }
}

/**
 * Names the folders in a folder, without looking at each where the driver can.
 *
 * @returns the names in the driver's order
 * @throws {PathNotFoundError} if there is no such folder
 */
export async function subfolderNames(driver: StorageDriver, path: string): Promise<string[]> {
  if (hasNameListing(driver)) {
    const children = await driver.listNames(path);
    return children.filter((child) => child.isFolder).map((child) => child.name);
  }
  const children = await driver.list(path);
  return children.filter((child) => child.isFolder).map((child) => lastSegment(child.path));
}

/** @returns what {@link subfolderNames} gives; none if there is no such folder */
export async function subfolderNamesIfAny(driver: StorageDriver, path: string): Promise<string[]> {
  try {
    return await subfolderNames(driver, path);
  } catch (error) {
    if (error instanceof PathNotFoundError) return [];
    throw error;
  }
}

/** @returns the last segment of a path */
export function lastSegment(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}
