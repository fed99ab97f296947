import { homedir } from "node:os";
import { resolve } from "node:path";
import { messageOf } from "../../lib/message-of.ts";
import { chooseStateFolder, makeStateFolder } from "../../state/state-folder.ts";
import type { PreparedState } from "./prepare-state.ts";

/**
 * Where is remembered what was done to a registry over HTTP, beside the folders of stores.
 *
 * @param address - of the registry, as messages name it
 * @param stateDir - `--state-dir`
 * @returns a folder that may not exist
 */
export function registryStateFolder(address: string, stateDir: string | undefined): string {
  return chooseStateFolder({
    stateDir: stateDir === undefined ? undefined : resolve(stateDir),
    storeLocation: `registry ${address}`,
    user: { uid: process.getuid?.() ?? 0, home: homedir(), env: process.env },
  });
}

/** Makes the folder of {@link registryStateFolder}. */
export function prepareRegistryState(address: string, stateDir: string | undefined): PreparedState {
  const folder = registryStateFolder(address, stateDir);
  try {
    makeStateFolder(folder, process.getuid?.() ?? 0, undefined);
    return { folder };
  } catch (error) {
    return { folder: undefined, problem: messageOf(error) };
  }
}
