import { accessSync, constants } from "node:fs";
import { homedir } from "node:os";
import { resolve } from "node:path";
import type { StorageSettings } from "../../config/settings.ts";
import { messageOf } from "../../lib/message-of.ts";
import { chooseStateFolder, makeStateFolder } from "../../state/state-folder.ts";
import { storeIdentity } from "../../state/store-identity.ts";
import type { RegistryUser } from "../machine/registry-user.ts";
import { ownerToSwitchTo } from "../machine/switch-user.ts";

/** What became of the state folder: a path, or why there is none. */
export type PreparedState = { folder: string } | { folder: undefined; problem: string | undefined };

/**
 * Makes the folder for the state of a store, for the user that the registry will run as; so it is to be called before
 * root switches to that user. A store in memory has no state.
 *
 * @param stateDir - `--state-dir`
 * @param user - whom root will become to work on a bucket
 */
export function prepareState(
  storage: StorageSettings,
  stateDir: string | undefined,
  user?: RegistryUser,
): PreparedState {
  if (storage.driver === "inmemory") return { folder: undefined, problem: undefined };
  if (stateDir === undefined && user?.stateFolder !== undefined) return { folder: user.stateFolder };
  const uid = process.getuid?.() ?? 0;
  const folder = chooseStateFolder({
    stateDir: stateDir === undefined ? undefined : resolve(stateDir),
    storeLocation: storeIdentity(storage),
    user: { uid, home: homedir(), env: process.env },
  });
  try {
    const owner =
      storage.driver === "filesystem" ? ownerToSwitchTo(resolve(storage.rootDirectory)) : user?.owner;
    makeStateFolder(folder, uid, owner);
    return { folder };
  } catch (error) {
    return { folder: undefined, problem: messageOf(error) };
  }
}

/**
 * Looks whether the user that root has become can work in the folder: those above it may be closed to everybody else.
 *
 * @returns the same, or no folder and why
 */
export function reachableState(state: PreparedState): PreparedState {
  if (state.folder === undefined) return state;
  try {
    accessSync(state.folder, constants.R_OK | constants.W_OK | constants.X_OK);
    return state;
  } catch (error) {
    return { folder: undefined, problem: messageOf(error) };
  }
}
