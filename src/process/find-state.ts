import { readFileSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import type { StorageSettings } from "../config/settings.ts";
import { chooseStateFolder, SYSTEM_STATE_FOLDER } from "../state/state-folder.ts";
import { storeIdentity } from "../state/store-identity.ts";

/**
 * Where the state of a store may be, whoever worked on it: this user's folder, that of root's runs and, for root, the one in
 * the home of the owner of the store's folder. To be called before root switches to that owner. Nothing is created.
 *
 * @param stateDir - `--state-dir`: then only there
 * @returns folders, some of which may not exist; none for a store in memory
 */
export function stateFoldersOf(storage: StorageSettings, stateDir: string | undefined): string[] {
  if (storage.driver === "inmemory") return [];
  const uid = process.getuid?.() ?? 0;
  const storeLocation = storeIdentity(storage);
  const given = stateDir === undefined ? undefined : resolve(stateDir);
  const user = { uid, home: homedir(), env: process.env };
  const own = chooseStateFolder({ stateDir: given, storeLocation, user });
  if (given !== undefined) return [own];
  const folders = [own, chooseStateFolder({ stateDir: SYSTEM_STATE_FOLDER, storeLocation, user })];
  const home = uid === 0 ? homeOfOwner(storage) : undefined;
  if (home !== undefined) {
    const stateHome = join(home, ".local", "state", "registry-ctl");
    folders.push(chooseStateFolder({ stateDir: stateHome, storeLocation, user }));
  }
  return [...new Set(folders)];
}

/** Users of network directories are not in the file, and a bucket has none of this host's. */
function homeOfOwner(storage: StorageSettings): string | undefined {
  if (storage.driver !== "filesystem") return undefined;
  try {
    const id = String(statSync(resolve(storage.rootDirectory)).uid);
    const users = readFileSync("/etc/passwd", "utf8").split("\n");
    return users.map((line) => line.split(":")).find((fields) => fields[2] === id)?.[5] || undefined;
  } catch {
    return undefined;
  }
}
