import { closeSync, constants, fstatSync, openSync, readFileSync } from "node:fs";
import { errorCodeOf } from "./system-error.ts";

/** What a file held, and what the system said of it at that moment. */
export interface PlainFile {
  text: string;
  /** To whom it belongs. */
  uid: number;
  /** In milliseconds since 1970. */
  modifiedMs: number;
}

/**
 * Reads a small file where another user may have put something else in its place, as root does in the folder of the
 * registry's user: no link is followed, and no pipe waited for.
 *
 * @returns undefined if there is no such file, null if it is no file, or larger than `maxBytes`
 * @throws {Error} the system's, if it may not be read
 */
export function readPlainFile(path: string, maxBytes: number): PlainFile | null | undefined {
  let file: number;
  try {
    file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    const code = errorCodeOf(error);
    if (NOT_THERE.has(code)) return undefined;
    if (NO_FILE.has(code)) return null;
    throw error;
  }
  try {
    const info = fstatSync(file);
    if (!info.isFile() || info.size > maxBytes) return null;
    return { text: readFileSync(file, "utf8"), uid: info.uid, modifiedMs: info.mtimeMs };
  } finally {
    closeSync(file);
  }
}

const NOT_THERE = new Set(["ENOENT", "ENOTDIR"]);
/** ELOOP: it is a symbolic link; ENXIO: a socket. */
const NO_FILE = new Set(["ELOOP", "ENXIO"]);
