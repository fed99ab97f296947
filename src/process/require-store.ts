import { accessSync, constants, mkdirSync } from "node:fs";
import { resolve } from "node:path";
import type { StorageSettings } from "../config/settings.ts";
import { StorageUnavailableError } from "../errors.ts";

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
    if (isReadOnly && isMissing(error)) return;
    const reason = error instanceof Error && "code" in error ? String(error.code) : String(error);
    throw new StorageUnavailableError(`the store ${root} cannot be used: ${reason}`, {
      cause: error,
      hint: "make the folder for the registry's user, or name another storage.filesystem.rootdirectory",
    });
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}
