import { homedir } from "node:os";
import { resolve } from "node:path";
import type { LoadedConfig } from "../../config/settings.ts";
import type { BackgroundServer } from "../../control/background-server.ts";
import { RegistryCtlError } from "../../errors.ts";
import { chooseStateFolder, makeStateFolder } from "../../state/state-folder.ts";
import { storeIdentity } from "../../state/store-identity.ts";
import { registryUserOf } from "../machine/registry-user.ts";
import { prepareState } from "../state/prepare-state.ts";
import { launchServer } from "./launch-server.ts";

/** What a server in the background gets of the command line that starts it. */
export interface BackgroundFlags {
  stateDir?: string;
  controlSocket?: string;
  workers?: number;
  readOnlyStore?: boolean;
  envFrom?: readonly string[];
  allowUnimplemented?: readonly string[];
}

/**
 * Starts our server in the background, with its log in the state folder of its store. To be called before root
 * switches to another user.
 *
 * @param cwd - from where relative paths of the configuration count
 * @throws {RegistryCtlError} `ERR_START` if it cannot be started, or there is no folder for its log
 */
export async function launchInBackground(
  config: LoadedConfig,
  flags: BackgroundFlags,
  cwd: string,
): Promise<BackgroundServer> {
  const { source } = config;
  const stateFolder = await folderOf(config, flags.stateDir);
  const args = ["serve"];
  if (source.kind === "file") args.push(source.path);
  const add = (name: string, value: string | undefined) =>
    void (value !== undefined && args.push(name, value));
  add("--workers", flags.workers === undefined ? undefined : String(flags.workers));
  add("--state-dir", flags.stateDir === undefined ? undefined : resolve(cwd, flags.stateDir));
  add("--control-socket", flags.controlSocket === undefined ? undefined : resolve(cwd, flags.controlSocket));
  for (const from of flags.envFrom ?? []) add("--env-from", from);
  for (const key of flags.allowUnimplemented ?? []) add("--allow-unimplemented", key);
  if (flags.readOnlyStore) args.push("--read-only-store");
  return launchServer({ args, cwd, stateFolder });
}

async function folderOf(config: LoadedConfig, stateDir: string | undefined): Promise<string> {
  const { storage } = config.settings;
  if (storage.driver === "inmemory") return folderWithoutStore(config, stateDir);
  const state = prepareState(storage, stateDir, await registryUserOf(config));
  if (state.folder !== undefined) return state.folder;
  throw noFolder(state.problem ?? "there is none");
}

/** A store in memory has no state; its server has a log nevertheless. */
function folderWithoutStore({ settings }: LoadedConfig, stateDir: string | undefined): string {
  const uid = process.getuid?.() ?? 0;
  const folder = chooseStateFolder({
    stateDir: stateDir === undefined ? undefined : resolve(stateDir),
    storeLocation: `${storeIdentity(settings.storage)}${settings.http.addr}`,
    user: { uid, home: homedir(), env: process.env },
  });
  try {
    makeStateFolder(folder, uid, undefined);
    return folder;
  } catch (error) {
    throw noFolder(error instanceof Error ? error.message : String(error));
  }
}

function noFolder(problem: string): RegistryCtlError {
  return new RegistryCtlError("ERR_START", `there is no folder for the server's log: ${problem}`, {
    hint: "give one with --state-dir",
  });
}
