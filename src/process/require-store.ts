import { accessSync, constants } from "node:fs";
import { resolve } from "node:path";
import type { StorageSettings } from "../config/settings.ts";
import { StorageUnavailableError } from "../errors.ts";
import { makeFolders } from "../lib/make-folders.ts";
import { errorCodeOf } from "../lib/system-error.ts";
import type { StorageDriver } from "../storage/driver.ts";
import { canCheckReachable } from "../storage/object-store-abilities.ts";

/**
 * Makes the store's root folder if there is none, and sees whether this user may use it, or whether a bucket can be worked
 * with: better before the server says that it listens than at the first push. To be called when the process has become the
 * registry's user.
 *
 * @param driver - opened with these settings
 * @param isReadOnly - nothing is made; a folder need not be writable, nor be there: an empty registry is served
 * @throws {StorageUnavailableError} if the store cannot be made or used
 */
export async function requireStore(
  storage: StorageSettings,
  driver: StorageDriver,
  isReadOnly: boolean,
): Promise<void> {
  if (canCheckReachable(driver)) await driver.checkReachable(isReadOnly);
  if (storage.driver !== "filesystem") return;
  const root = resolve(storage.rootDirectory);
  const rights = constants.R_OK | constants.X_OK | (isReadOnly ? 0 : constants.W_OK);
  try {
    if (!isReadOnly) makeFolders(root);
    accessSync(root, rights);
  } catch (error) {
    if (isReadOnly && errorCodeOf(error) === "ENOENT") return;
    throw new StorageUnavailableError(
      `the store ${root} cannot be used: ${errorCodeOf(error) || String(error)}`,
      {
        cause: error,
        hint: "make the folder for the registry's user, or name another storage.filesystem.rootdirectory",
      },
    );
  }
}
