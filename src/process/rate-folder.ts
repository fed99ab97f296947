import { join } from "node:path";
import type { StorageSettings } from "../config/settings.ts";
import { prepareState } from "./prepare-state.ts";

/** @returns where in a store's state folder all processes of this host keep a limit of requests together */
export function rateFolderIn(stateFolder: string | undefined): string | undefined {
  return stateFolder === undefined ? undefined : join(stateFolder, "rate");
}

/**
 * Makes ready what a limit of requests is kept in together with the server on this host.
 *
 * @param stateDir - `--state-dir`
 * @returns undefined if there is no limit, or no place for it: then each process keeps it alone
 */
export function prepareRateFolder(
  storage: StorageSettings,
  stateDir: string | undefined,
): string | undefined {
  const isLimited = "maxRequestsPerSecond" in storage && storage.maxRequestsPerSecond > 0;
  return isLimited ? rateFolderIn(prepareState(storage, stateDir).folder) : undefined;
}
