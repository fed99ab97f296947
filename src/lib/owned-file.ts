import { randomBytes } from "node:crypto";
import {
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  linkSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { errorCodeOf } from "./system-error.ts";

const { O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY } = constants;
/** Where a file cannot have two names. */
const CANNOT_LINK = new Set(["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EMLINK"]);

/** Whose a file is and who may use it. */
export interface FileOwnership {
  uid: number;
  gid: number;
  /** Permission bits. */
  mode: number;
}

/**
 * Makes a file that is there with all of its content or not at all. It belongs to the owner that is asked for, or of the
 * folder, where the system allows that.
 *
 * @returns false if there is something already, also if another process made it at the same time
 * @throws {Error} the system's, if it cannot be made
 */
export function createOwnedFile(
  path: string,
  bytes: Uint8Array,
  { mode, owner }: { mode: number; owner?: { uid: number; gid: number } | undefined },
): boolean {
  const { uid, gid } = owner ?? statSync(dirname(path));
  const temporary = writeBeside(path, bytes, { mode, owner: { uid, gid, isRequired: false } });
  try {
    linkSync(temporary, path);
    syncFolder(dirname(path));
    return true;
  } catch (error) {
    if (errorCodeOf(error) === "EEXIST") return false;
    if (!CANNOT_LINK.has(errorCodeOf(error))) throw error;
    return createInOneGo(path, bytes, mode);
  } finally {
    rmSync(temporary, { force: true });
  }
}

/**
 * Replaces a file as a whole by one that belongs to the same user and has the same mode.
 *
 * @throws {Error} the system's, with nothing changed: such as EPERM where the owner cannot be kept, EBUSY where the file is
 *   mounted by itself
 */
export function replaceOwnedFile(path: string, bytes: Uint8Array, { uid, gid, mode }: FileOwnership): void {
  const temporary = writeBeside(path, bytes, { mode, owner: { uid, gid, isRequired: true } });
  try {
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
  syncFolder(dirname(path));
}

/** Writes into a file that is there. Who reads it meanwhile may see a part of it. */
export function overwriteFile(path: string, bytes: Uint8Array): void {
  const file = openSync(path, O_WRONLY);
  try {
    for (let written = 0; written < bytes.length; ) {
      written += writeSync(file, bytes, written, bytes.length - written, written);
    }
    ftruncateSync(file, bytes.length);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

/** How {@link writeBeside} makes a file. */
export interface BesideOptions {
  /** Permission bits. */
  mode: number;
  /** Undefined: whoever runs this. `isRequired`: it fails where the system does not let the file be given away. */
  owner?: { uid: number; gid: number; isRequired: boolean } | undefined;
}

/**
 * Writes a file that is to get its name later, beside it and under a hidden one, and syncs it.
 *
 * @returns its path
 * @throws {Error} the system's; nothing is left behind then
 */
export function writeBeside(
  path: string,
  content: string | Uint8Array,
  { mode, owner }: BesideOptions,
): string {
  const temporary = nameBeside(path);
  const file = openSync(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
  try {
    try {
      const made = fstatSync(file);
      if (owner && (made.uid !== owner.uid || made.gid !== owner.gid)) chown(file, owner);
      // After that: a change of owner takes bits away.
      fchmodSync(file, mode & 0o7777);
      writeFileSync(file, content);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
  return temporary;
}

/** @returns a hidden name beside a file that nothing has */
export function nameBeside(path: string): string {
  return join(dirname(path), `.${basename(path)}.${randomBytes(8).toString("hex")}.tmp`);
}

function chown(file: number, { uid, gid, isRequired }: NonNullable<BesideOptions["owner"]>): void {
  try {
    fchownSync(file, uid, gid);
  } catch (error) {
    if (isRequired || errorCodeOf(error) !== "EPERM") throw error;
  }
}

function createInOneGo(path: string, bytes: Uint8Array, mode: number): boolean {
  let file: number;
  try {
    file = openSync(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode);
  } catch (error) {
    if (errorCodeOf(error) === "EEXIST") return false;
    throw error;
  }
  try {
    writeFileSync(file, bytes);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  return true;
}

/** So that the name outlives a loss of power; some file systems cannot, and nothing better can be done there. */
export function syncFolder(folder: string): void {
  try {
    const file = openSync(folder, "r");
    try {
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
  } catch {
    // The file itself is there.
  }
}
