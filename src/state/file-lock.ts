import { randomBytes } from "node:crypto";
import { closeSync, linkSync, openSync, renameSync, rmSync, type Stats, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { CancelledError, RegistryStateError } from "../errors.ts";
import { errorCodeOf } from "../lib/system-error.ts";

/** A lock is held for milliseconds; one that is older was left behind by a process that was killed. */
const STALE_MS = 30_000;
const RETRY_MS = 25;
/** The folder cannot be written: then the file can only be written where it is. */
const CANNOT_LOCK = new Set(["EACCES", "EPERM", "EROFS"]);

/** How {@link lockFile} waits. */
export interface FileLockOptions {
  signal: AbortSignal;
  /** How long it waits for another one's lock. */
  timeoutMs: number;
}

/**
 * Takes the lock of a small file that several processes change, which is a file beside it.
 *
 * @returns what gives it back; undefined if the folder cannot be written
 * @throws {RegistryStateError} if somebody holds it for too long
 */
export async function lockFile(
  path: string,
  { signal, timeoutMs }: FileLockOptions,
): Promise<(() => void) | undefined> {
  const lock = join(dirname(path), `.${basename(path)}.registry-ctl-lock`);
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    try {
      closeSync(openSync(lock, "wx", 0o600));
      return () => rmSync(lock, { force: true });
    } catch (error) {
      const code = errorCodeOf(error);
      if (CANNOT_LOCK.has(code)) return undefined;
      if (code !== "EEXIST") throw error;
    }
    if (breakStaleLock(lock)) continue;
    if (Date.now() >= deadline) {
      throw new RegistryStateError(`another command is changing ${path}`, {
        hint: `try again; if none is running, remove ${lock}`,
      });
    }
    await sleep(RETRY_MS, undefined, { signal }).catch((cause: unknown) => {
      throw new CancelledError("stopped before anything was changed", { cause });
    });
  }
}

/** @returns whether the lock may be free now */
function breakStaleLock(lock: string): boolean {
  const found = statSync(lock, { throwIfNoEntry: false });
  if (found === undefined) return true;
  if (Math.abs(Date.now() - found.mtimeMs) < STALE_MS) return false;
  const aside = `${lock}.${randomBytes(6).toString("hex")}`;
  try {
    renameSync(lock, aside);
    // Somebody else may have broken it first, and this one would be the lock that was taken then.
    if (!isSame(statSync(aside), found)) linkSync(aside, lock);
    return true;
  } catch {
    return false;
  } finally {
    rmSync(aside, { force: true });
  }
}

function isSame(one: Stats, other: Stats): boolean {
  return one.ino === other.ino && one.mtimeMs === other.mtimeMs;
}
