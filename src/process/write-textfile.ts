import { randomBytes } from "node:crypto";
import {
  closeSync,
  constants,
  fchmodSync,
  fsyncSync,
  openSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";

/**
 * Replaces a text file as a whole, for everybody to read. A link in its place is replaced, not followed. The temporary name
 * beside it does not end in `.prom`, so that no collector reads it.
 *
 * @param path - absolute
 * @throws {Error} if it cannot be written; nothing is left behind then
 */
export function writeTextfile(path: string, text: string): void {
  const temporary = join(dirname(path), `.registry-ctl-${randomBytes(8).toString("hex")}.tmp`);
  const { O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY } = constants;
  const file = openSync(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o644);
  try {
    try {
      fchmodSync(file, 0o644);
      writeFileSync(file, text);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}
