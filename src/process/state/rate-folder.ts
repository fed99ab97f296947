import { join } from "node:path";
import type { StorageSettings } from "../../config/settings.ts";
import type { RegistryUser } from "../machine/registry-user.ts";
import { prepareState } from "./prepare-state.ts";

/** @returns where in a store's state folder all processes of this host keep a limit of requests together */
export function rateFolderIn(stateFolder: string | undefined): string | undefined {
  return stateFolder === undefined ? undefined : join(stateFolder, "rate");
}

/**
 * Makes ready what a limit of requests is kept in together with the server on this host.
 *
 * @param stateDir - `--state-dir`
 * @param notice - told if there is a limit and no place for it
 * @param user - whom root will become to work on a bucket
 * @returns undefined if there is no limit, or no place for it: then each process keeps it alone
 */
export function prepareRateFolder(
  storage: StorageSettings,
  stateDir: string | undefined,
  notice: (text: string) => void,
  user?: RegistryUser,
): string | undefined {
  const isLimited = "maxRequestsPerSecond" in storage && storage.maxRequestsPerSecond > 0;
  if (!isLimited) return undefined;
  const state = prepareState(storage, stateDir, user);
  if (state.folder === undefined && state.problem !== undefined) {
    notice(
      `maxrequestspersecond is kept by this process alone, not with others of this host: ${state.problem}`,
    );
  }
  return rateFolderIn(state.folder);
}
