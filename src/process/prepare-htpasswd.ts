import { randomBytes } from "node:crypto";
import { statSync } from "node:fs";
import { dirname } from "node:path";
import { ConfigError } from "../errors.ts";
import { hashPassword } from "../lib/bcrypt-password.ts";
import { HtpasswdFile } from "../lib/htpasswd.ts";
import { makeFolders } from "../lib/make-folders.ts";
import { createOwnedFile } from "../lib/owned-file.ts";
import { errorCodeOf } from "../lib/system-error.ts";

/** The user of a file that was missing, as the Go registry calls it. */
const USER = "docker";
const PASSWORD_BYTES = 32;
const COST = 10;

/** The one user of a file that has just been made. */
export interface FirstUser {
  user: string;
  /** Known to nobody: it is to be told once. */
  password: string;
}

/**
 * Makes the file of `auth.htpasswd` with one user where it is missing. To be called once for all workers, when the process
 * has become the registry's user; of several servers that start at once only one makes it.
 *
 * @param isReadOnly - `--read-only-store`: nothing is to be left behind
 * @returns undefined if there was nothing to make
 * @throws {ConfigError} if it cannot be made
 */
export async function prepareHtpasswd(path: string, isReadOnly: boolean): Promise<FirstUser | undefined> {
  if (isThere(path)) return undefined;
  if (isReadOnly) throw cannotMake(path, "with --read-only-store nothing is made");
  const password = randomBytes(PASSWORD_BYTES).toString("base64url");
  const content = HtpasswdFile.empty.withUser(USER, await hashPassword(password, COST)).toBytes();
  try {
    makeFolders(dirname(path), 0o700);
    const isOurs = createOwnedFile(path, content, { mode: 0o600 });
    return isOurs ? { user: USER, password } : undefined;
  } catch (error) {
    throw cannotMake(path, errorCodeOf(error) || String(error), error);
  }
}

/** What else is wrong with it is told when it is read. */
function isThere(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false }) !== undefined;
  } catch (error) {
    return errorCodeOf(error) !== "ENOTDIR";
  }
}

function cannotMake(path: string, reason: string, cause?: unknown): ConfigError {
  return new ConfigError(`auth.htpasswd: ${path} is missing and cannot be made: ${reason}`, {
    cause,
    hint: `make it where this can be written: registry-ctl users add --file ${path} NAME`,
  });
}
