import { closeSync, constants, fstatSync, openSync, realpathSync } from "node:fs";
import { errorCodeOf } from "../../lib/system-error.ts";
import { type Owner, withRightsOf } from "./switch-user.ts";

const { O_NOCTTY, O_NONBLOCK, O_RDONLY } = constants;
/** Linux's: a file is found and not opened, so that nothing happens to it. Node has no name for it. */
const O_PATH = 0x20_00_00;

/** A file and where it was found: whatever takes its place there is another one. */
export interface FileIdentity {
  path: string;
  dev: number;
  ino: number;
}

/** A file that somebody else has named. */
export interface HeldFile {
  identity: FileIdentity;
  /** By this it is opened, wherever it is by then. For as long as it is held. */
  openAs: string;
}

/**
 * Finds a file that others may have put there for root to open: a pipe would have it wait for ever, and some devices do
 * something when they are opened.
 *
 * @param use - what is done while it is held; given undefined if nothing is at the path, or something that is no plain file
 * @throws {Error} the system's, if that cannot be told
 */
export async function whileHeld<T>(
  path: string,
  use: (file: HeldFile | undefined) => Promise<T>,
): Promise<T> {
  const handle = find(path);
  if (handle === undefined) return use(undefined);
  try {
    const info = fstatSync(handle);
    const identity = { path, dev: info.dev, ino: info.ino };
    return await use(info.isFile() ? { identity, openAs: `/proc/self/fd/${handle}` } : undefined);
  } finally {
    closeSync(handle);
  }
}

function find(path: string): number | undefined {
  try {
    return openSync(path, O_PATH);
  } catch (error) {
    const isAbsent = errorCodeOf(error) === "ENOENT";
    if (isAbsent) return undefined;
    throw error;
  }
}

/**
 * Tells whether a user can read the very file that was found. Whoever makes links in the path gains nothing: it is opened
 * with the user's own rights.
 */
export function canRead(user: Owner, { path, dev, ino }: FileIdentity): boolean {
  try {
    // The way through /proc is root's alone.
    const real = realpathSync(path);
    return withRightsOf(user, () => {
      const file = openSync(real, O_RDONLY | O_NONBLOCK | O_NOCTTY);
      try {
        const opened = fstatSync(file);
        return opened.dev === dev && opened.ino === ino;
      } finally {
        closeSync(file);
      }
    });
  } catch {
    return false;
  }
}
