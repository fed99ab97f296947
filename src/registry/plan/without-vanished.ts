import { PathNotFoundError } from "../../errors.ts";
import { hasNameListing, hasSynchronousFolders, type ScanFailure } from "../../storage/abilities.ts";
import type { StorageDriver } from "../../storage/driver.ts";
import { parentOf, ROOT } from "../paths.ts";

/**
 * Leaves out what clients have removed while it was looked at: no folder above it lists it any more. A link that leads
 * nowhere is listed still, and so is what only could not be read; a store that is not mounted any more has not vanished.
 */
export async function withoutVanished(
  driver: StorageDriver,
  failures: readonly ScanFailure[],
): Promise<ScanFailure[]> {
  const left: ScanFailure[] = [];
  for (const failure of failures) {
    const isMissing = failure.error instanceof PathNotFoundError;
    if (!isMissing || !(await hasVanished(driver, failure.path))) left.push(failure);
  }
  return left;
}

async function hasVanished(driver: StorageDriver, path: string): Promise<boolean> {
  for (let at = path; at.startsWith(`${ROOT}/`); at = parentOf(at)) {
    const names = await namesIn(driver, parentOf(at));
    if (names !== undefined) return !names.includes(at.slice(at.lastIndexOf("/") + 1));
  }
  return false;
}

/** @returns undefined if there is no such folder */
async function namesIn(driver: StorageDriver, folder: string): Promise<string[] | undefined> {
  try {
    if (hasSynchronousFolders(driver)) return driver.listNamesSync(folder);
    if (hasNameListing(driver)) return (await driver.listNames(folder)).map(({ name }) => name);
    return (await driver.list(folder)).map(({ path }) => path.slice(path.lastIndexOf("/") + 1));
  } catch (error) {
    if (error instanceof PathNotFoundError) return undefined;
    throw error;
  }
}
