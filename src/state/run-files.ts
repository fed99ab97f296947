import { randomBytes } from "node:crypto";
import {
  closeSync,
  constants,
  fstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname } from "node:path";

/** What we write is far smaller. */
const MAX_BYTES = 4 * 1024 * 1024;

/**
 * Replaces a small JSON file as a whole, for its owner alone; makes its folder. Not synced: it tells of a process that
 * does not outlive the machine's end either.
 *
 * @throws {Error} if it cannot be written; nothing is left behind then
 */
export function writeRunFile(path: string, value: unknown): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const temporary = `${path}.${randomBytes(6).toString("hex")}.tmp`;
  try {
    writeFileSync(temporary, `${JSON.stringify(value)}\n`, { mode: 0o600, flag: "wx" });
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}

/**
 * Reads what {@link writeRunFile} wrote. Root may read here what another user has put there, so no link is followed and no
 * pipe waited for.
 *
 * @returns undefined if there is no such file, null if it is not what we write
 * @throws {Error} if it may not be read
 */
export function readRunFile(path: string): unknown {
  let file: number;
  try {
    file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "";
    if (NOT_THERE.has(code)) return undefined;
    if (NO_FILE.has(code)) return null;
    throw error;
  }
  try {
    const info = fstatSync(file);
    if (!info.isFile() || info.size > MAX_BYTES) return null;
    return JSON.parse(readFileSync(file, "utf8"));
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  } finally {
    closeSync(file);
  }
}

const NOT_THERE = new Set(["ENOENT", "ENOTDIR"]);
/** ELOOP: it is a symbolic link; ENXIO: a socket. */
const NO_FILE = new Set(["ELOOP", "ENXIO"]);
