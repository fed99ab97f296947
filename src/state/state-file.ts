import { renameSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { writeBeside } from "../lib/owned-file.ts";

/**
 * Replaces a file of a state folder as a whole. It is for the owner of the folder alone, and belongs to that owner, whoever
 * writes it: root may do so in the folder of the registry's user.
 *
 * @throws {Error} the system's, if it cannot be written; nothing is left behind then
 */
export function writeStateFile(stateFolder: string, name: string, content: string): void {
  const { uid, gid } = statSync(stateFolder);
  const path = join(stateFolder, name);
  const temporary = writeBeside(path, content, { mode: 0o600, owner: { uid, gid, isRequired: false } });
  try {
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}
