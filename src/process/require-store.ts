import { accessSync, constants, mkdirSync } from "node:fs";
import { resolve } from "node:path";
import type { StorageSettings } from "../config/settings.ts";
import { StorageUnavailableError } from "../errors.ts";
import { errorCodeOf } from "../lib/system-error.ts";

/**
 * Makes the store's root folder if there is none, and sees whether this user may use it: better before the server says
 * that it listens than at the first push. To be called when the process has become the registry's user.
 *
 * @param isReadOnly - nothing is made; the folder need not be writable, nor be there: an empty registry is served
 * @throws {StorageUnavailableError} if the folder cannot be made or used
 */
export function requireStore(storage: StorageSettings, isReadOnly: boolean): void {
  if (storage.driver === "inmemory") return;
  const root = resolve(storage.rootDirectory);
  const rights = constants.R_OK | constants.X_OK | (isReadOnly ? 0 : constants.W_OK);
  try {
    if (!isReadOnly) mkdirSync(root, { recursive: true });
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
