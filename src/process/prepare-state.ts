import { realpathSync } from "node:fs";
import { homedir } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import type { StorageSettings } from "../config/settings.ts";
import { chooseStateFolder, makeStateFolder } from "../state/state-folder.ts";
import { ownerToSwitchTo } from "./switch-user.ts";

/** What became of the state folder: a path, or why there is none. */
export type PreparedState = { folder: string } | { folder: undefined; problem: string | undefined };

/**
 * Makes the folder for the state of a store, for the user that the registry will run as; so it is to be called before
 * root switches to that user. A store in memory has no state.
 *
 * @param stateDir - `--state-dir`
 */
export function prepareState(storage: StorageSettings, stateDir: string | undefined): PreparedState {
  if (storage.driver === "inmemory") return { folder: undefined, problem: undefined };
  const root = resolve(storage.rootDirectory);
  const uid = process.getuid?.() ?? 0;
  const folder = chooseStateFolder({
    stateDir: stateDir === undefined ? undefined : resolve(stateDir),
    storeLocation: `filesystem:${realLocation(root)}`,
    user: { uid, home: homedir(), env: process.env },
  });
  try {
    makeStateFolder(folder, uid, ownerToSwitchTo(root));
    return { folder };
  } catch (error) {
    return { folder: undefined, problem: error instanceof Error ? error.message : String(error) };
  }
}

/** The same for every way that leads to a folder, also before the folder exists. */
function realLocation(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path === dirname(path) ? path : join(realLocation(dirname(path)), basename(path));
  }
}
