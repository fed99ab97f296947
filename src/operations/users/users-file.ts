import { closeSync, fstatSync, openSync, readFileSync, realpathSync, type Stats, statSync } from "node:fs";
import { RegistryCtlError, RegistryStateError } from "../../errors.ts";
import { HtpasswdFile } from "../../lib/htpasswd.ts";
import { createOwnedFile, overwriteFile, replaceOwnedFile } from "../../lib/owned-file.ts";
import { errorCodeOf, fileProblemOf } from "../../lib/system-error.ts";
import { lockFile } from "../../state/file-lock.ts";

/** How long a change waits for another one. */
const LOCK_TIMEOUT_MS = 10_000;
/** Programs that know nothing of the lock may write the file: then the change is made anew. */
const ATTEMPTS = 20;
/** A new file may be put in the place of the old one only where the folder can be written and nothing is mounted. */
const CANNOT_REPLACE = new Set(["EACCES", "EPERM", "EROFS", "EBUSY"]);

/** How a file of users is changed. */
export interface UsersFileOptions {
  signal: AbortSignal;
  /** Whose a new file is to be; undefined: the folder's owner's. */
  newOwner?: { uid: number; gid: number } | undefined;
}

/** What a change of a file of users came to. */
export interface UsersFileChange {
  /** There was none before. */
  isNew: boolean;
  /** The folder did not allow to replace it, so it was written where it is. */
  inPlace: boolean;
}

/**
 * @returns the file's content
 * @throws {RegistryCtlError} `ERR_USERS_FILE` if it cannot be read
 */
export function readUsersFile(path: string): HtpasswdFile {
  try {
    return HtpasswdFile.parse(readFileSync(path));
  } catch (error) {
    throw usersFileError(`${path} cannot be read`, error);
  }
}

/** @returns the same, with no user where there is no such file */
export function readUsersFileIfAny(path: string): HtpasswdFile {
  try {
    if (isMissing(path)) return HtpasswdFile.empty;
  } catch (error) {
    throw usersFileError(`${path} cannot be read`, error);
  }
  return readUsersFile(path);
}

/**
 * Changes a file of users so that nobody sees a half of it and nothing of what others change meanwhile is lost. Owner,
 * mode and what it is a link to are kept.
 *
 * @param change - may be called more than once; what it throws leaves the file as it was
 * @throws {RegistryCtlError} `ERR_USERS_FILE` if it cannot be written
 * @throws {RegistryStateError} if others keep changing it
 */
export async function changeUsersFile(
  path: string,
  change: (file: HtpasswdFile) => HtpasswdFile,
  { signal, newOwner }: UsersFileOptions,
): Promise<UsersFileChange> {
  try {
    const real = isMissing(path) ? path : realpathSync(path);
    const unlock = await lockFile(real, { signal, timeoutMs: LOCK_TIMEOUT_MS });
    try {
      for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
        const done = changeOnce(real, change, newOwner);
        if (done !== undefined) return done;
      }
    } finally {
      unlock?.();
    }
  } catch (error) {
    if (error instanceof RegistryCtlError) throw error;
    throw usersFileError(`${path} cannot be changed`, error);
  }
  throw new RegistryStateError(`others keep changing ${path}`, { hint: "try again" });
}

/** @returns undefined if somebody else has changed the file meanwhile */
function changeOnce(
  path: string,
  change: (file: HtpasswdFile) => HtpasswdFile,
  newOwner: UsersFileOptions["newOwner"],
): UsersFileChange | undefined {
  const before = readWithStats(path);
  const bytes = change(before?.file ?? HtpasswdFile.empty).toBytes();
  if (before === undefined) {
    return createOwnedFile(path, bytes, { mode: 0o600, owner: newOwner })
      ? { isNew: true, inPlace: false }
      : undefined;
  }
  const now = statSync(path, { throwIfNoEntry: false });
  if (now === undefined || !isSame(before.stats, now)) return undefined;
  return { isNew: false, inPlace: !replaceIfPossible(path, bytes, before.stats) };
}

function replaceIfPossible(path: string, bytes: Buffer, stats: Stats): boolean {
  try {
    replaceOwnedFile(path, bytes, stats);
    return true;
  } catch (error) {
    if (!CANNOT_REPLACE.has(errorCodeOf(error))) throw error;
    overwriteFile(path, bytes);
    return false;
  }
}

function readWithStats(path: string): { file: HtpasswdFile; stats: Stats } | undefined {
  if (isMissing(path)) return undefined;
  const descriptor = openSync(path, "r");
  try {
    const stats = fstatSync(descriptor);
    return { file: HtpasswdFile.parse(readFileSync(descriptor)), stats };
  } finally {
    closeSync(descriptor);
  }
}

function isMissing(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) === undefined;
}

function isSame(one: Stats, other: Stats): boolean {
  return one.ino === other.ino && one.size === other.size && one.mtimeMs === other.mtimeMs;
}

function usersFileError(what: string, cause: unknown): RegistryCtlError {
  return new RegistryCtlError("ERR_USERS_FILE", `${what}: ${fileProblemOf(cause)}`, {
    cause,
    hint:
      errorCodeOf(cause) === "ENOENT"
        ? "name another one, or make it with registry-ctl users add"
        : "run as the user who owns it, or as root",
  });
}
