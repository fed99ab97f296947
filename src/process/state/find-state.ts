import { type Stats, statSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join, resolve } from "node:path";
import type { StorageSettings } from "../../config/settings.ts";
import { chooseStateFolder, SYSTEM_STATE_FOLDER, stateBaseFolder } from "../../state/state-folder.ts";
import { storeIdentity } from "../../state/store-identity.ts";
import type { RegistryUser } from "../machine/registry-user.ts";
import { homeOfUser } from "../machine/switch-user.ts";

/**
 * Where the state of a store may be, whoever worked on it: this user's folder, that of root's runs and, for root, the one in
 * the home of the owner of the store's folder or of the registry's user. To be called before root switches to that owner. Nothing is created.
 *
 * @param stateDir - `--state-dir`: then only there
 * @param registryUser - of a bucket, for root
 * @returns folders, some of which may not exist; none for a store in memory
 */
export function stateFoldersOf(
  storage: StorageSettings,
  stateDir: string | undefined,
  registryUser?: RegistryUser,
): string[] {
  if (storage.driver === "inmemory") return [];
  const uid = process.getuid?.() ?? 0;
  const storeLocation = storeIdentity(storage);
  const given = stateDir === undefined ? undefined : resolve(stateDir);
  const user = { uid, home: homedir(), env: process.env };
  const own = chooseStateFolder({ stateDir: given, storeLocation, user });
  if (given !== undefined) return [own];
  const folders = [own, chooseStateFolder({ stateDir: SYSTEM_STATE_FOLDER, storeLocation, user })];
  if (registryUser?.stateFolder !== undefined) folders.unshift(registryUser.stateFolder);
  const home = uid === 0 ? homeOfOwner(storage, registryUser) : undefined;
  if (home !== undefined) {
    const stateHome = join(home, ".local", "state", "registry-ctl");
    folders.push(chooseStateFolder({ stateDir: stateHome, storeLocation, user }));
  }
  return [...new Set(folders)];
}

/**
 * Where commands have been written down that this user may want to know of.
 *
 * @param stateFolders - what {@link stateFoldersOf} gives
 * @param stateDir - `--state-dir`: then only there
 * @returns folders, some of which may not exist
 */
export function journalFoldersOf(stateFolders: readonly string[], stateDir: string | undefined): string[] {
  const uid = process.getuid?.() ?? 0;
  const own = stateBaseFolder(stateDir, { uid, home: homedir(), env: process.env });
  if (stateDir !== undefined) return [resolve(own)];
  return [...new Set([own, SYSTEM_STATE_FOLDER, ...stateFolders.map((folder) => dirname(folder))])];
}

function homeOfOwner(storage: StorageSettings, registryUser: RegistryUser | undefined): string | undefined {
  if (storage.driver !== "filesystem") return registryUser && homeOfUser(registryUser.owner.uid);
  const info = statIfPossible(resolve(storage.rootDirectory));
  return info && homeOfUser(info.uid);
}

function statIfPossible(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}
