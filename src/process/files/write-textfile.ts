import { renameSync, rmSync } from "node:fs";
import { writeBeside } from "../../lib/owned-file.ts";

/**
 * Replaces a text file as a whole, for everybody to read. A link in its place is replaced, not followed. The temporary name
 * beside it does not end in `.prom`, so that no collector reads it.
 *
 * @param path - absolute
 * @throws {Error} if it cannot be written; nothing is left behind then
 */
export function writeTextfile(path: string, text: string): void {
  const temporary = writeBeside(path, text, { mode: 0o644 });
  try {
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}
