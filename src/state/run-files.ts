import { randomBytes } from "node:crypto";
import { mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { readPlainFile } from "../lib/read-plain-file.ts";

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
 * Reads what {@link writeRunFile} wrote; root too, in the folder of another user.
 *
 * @returns undefined if there is no such file, null if it is not what we write
 * @throws {Error} if it may not be read
 */
export function readRunFile(path: string): unknown {
  const file = readPlainFile(path, MAX_BYTES);
  if (!file) return file;
  try {
    return JSON.parse(file.text);
  } catch {
    return null;
  }
}
