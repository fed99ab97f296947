import { homedir } from "node:os";
import { resolve } from "node:path";
import type { StorageSettings } from "../config/settings.ts";
import { messageOf } from "../lib/message-of.ts";
import { chooseStateFolder, makeStateFolder } from "../state/state-folder.ts";
import { storeIdentity } from "../state/store-identity.ts";
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
  const uid = process.getuid?.() ?? 0;
  const folder = chooseStateFolder({
    stateDir: stateDir === undefined ? undefined : resolve(stateDir),
    storeLocation: storeIdentity(storage),
    user: { uid, home: homedir(), env: process.env },
  });
  try {
    const owner =
      storage.driver === "filesystem" ? ownerToSwitchTo(resolve(storage.rootDirectory)) : undefined;
    makeStateFolder(folder, uid, owner);
    return { folder };
  } catch (error) {
    return { folder: undefined, problem: messageOf(error) };
  }
}
