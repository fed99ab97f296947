import { PathNotFoundError } from "../../errors.ts";
import { hasEmptyFolders } from "../../storage/abilities.ts";
import type { StorageDriver } from "../../storage/driver.ts";
import { REPOSITORIES_ROOT } from "../paths.ts";

/**
 * Finds repositories that consist of empty folders, which a scan of files does not see but a catalog shows.
 *
 * @param known - names of the repositories that have files
 * @returns their names, in key order; none for a store without empty folders
 */
export async function findEmptyRepositories(
  driver: StorageDriver,
  known: ReadonlySet<string>,
): Promise<string[]> {
  const found: string[] = [];
  if (!hasEmptyFolders(driver)) return found;
  const pending = [REPOSITORIES_ROOT];
  for (let path = pending.pop(); path !== undefined; path = pending.pop()) {
    const folders = await childFolders(driver, path);
    const name = path.slice(REPOSITORIES_ROOT.length + 1);
    if (name !== "" && !known.has(name) && folders.includes("_manifests")) found.push(name);
    for (const folder of folders.reverse()) if (!folder.startsWith("_")) pending.push(`${path}/${folder}`);
  }
  return found;
}

async function childFolders(driver: StorageDriver, path: string): Promise<string[]> {
  try {
    const children = await driver.list(path);
    return children.filter((child) => child.isFolder).map((child) => child.path.slice(path.length + 1));
  } catch (error) {
    if (error instanceof PathNotFoundError) return [];
    throw error;
  }
}
