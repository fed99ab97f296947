import { mkdirSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { errorCodeOf } from "./system-error.ts";

/**
 * Makes a folder, and those above it that are missing. Node's own recursive way never comes back where a file system lets
 * nothing be made and says that the path is not there, as /proc does.
 *
 * @param mode - permission bits of what is made, less the umask
 * @returns whether the folder was not there before
 * @throws {Error} the system's
 */
export function makeFolders(path: string, mode = 0o777): boolean {
  try {
    return makeFolder(path, mode);
  } catch (error) {
    const parent = dirname(resolve(path));
    if (errorCodeOf(error) !== "ENOENT" || parent === resolve(path)) throw error;
    // Where it is there, the second attempt fails as the first did.
    makeFolders(parent, mode);
    return makeFolder(path, mode);
  }
}

function makeFolder(path: string, mode: number): boolean {
  try {
    mkdirSync(path, { mode });
    return true;
  } catch (error) {
    // A file system that is read-only may say that, rather than that the folder is there.
    if (errorCodeOf(error) !== "ENOENT" && isFolder(path)) return false;
    throw error;
  }
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}
