import { PathNotFoundError } from "../errors.ts";
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

/** @returns the last segment of a path */
export function lastSegment(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}
