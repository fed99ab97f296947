import { lstatSync, realpathSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { LoadedConfig, StorageSettings } from "../../config/settings.ts";
import { chooseStateFolder, SYSTEM_STATE_FOLDER } from "../../state/state-folder.ts";
import { storeIdentity } from "../../state/store-identity.ts";
import { type FoundRegistry, findRegistries, type RegistryProcessUser } from "./find-registries.ts";
import { canRead } from "./held-file.ts";
import { homeOfUser, type Owner } from "./switch-user.ts";

/** The user that a registry on a bucket runs as, where root works on its store. */
export interface RegistryUser {
  owner: Owner;
  /** How that is known: the end of a sentence that names the user. */
  why: string;
  /** Where the running registry keeps its state, if it is there; else state is root's to give away. */
  stateFolder: string | undefined;
}

const known = new WeakMap<LoadedConfig, Promise<RegistryUser | undefined>>();

/**
 * Finds whom root should become to work on a bucket, which has no owner on this host: so that a command and the server share
 * a limit of requests, and one sees the runs of the other. In this order:
 *
 * - The user of the registry that runs here, if that user can read the keys of the bucket, and they are ours. Anybody can
 *   start a process that looks like a registry; but who has the keys can do anything to the bucket already.
 * - The user whom root has given this store's folder below `/var/lib/registry-ctl`.
 * - The owner of the configuration file, who decides what root does with it.
 *
 * @returns undefined for other stores, if root does not run this, if nobody is found, or if the user could not read what the
 *   command needs; then root stays root, and the state is its own
 */
export function registryUserOf(config: LoadedConfig): Promise<RegistryUser | undefined> {
  const { storage } = config.settings;
  if (!("credentials" in storage) || process.getuid?.() !== 0) return Promise.resolve(undefined);
  let user = known.get(config);
  if (user === undefined) {
    user = findUser(config, storage);
    known.set(config, user);
  }
  return user;
}

async function findUser(config: LoadedConfig, storage: StorageSettings): Promise<RegistryUser | undefined> {
  const storeLocation = storeIdentity(storage);
  const user =
    userOfProcess(await findRegistries(config), storeLocation) ??
    userOfFolder(storeLocation) ??
    userOfConfig(config.source);
  if (user === undefined) return undefined;
  const path = fileURLToPath(import.meta.url);
  const { dev, ino } = statSync(path);
  return findsKeys(storage) && canRead(user.owner, { path, dev, ino }) ? user : undefined;
}

/** @returns the one user of all registries on our store that has proved to know its keys */
export function userOfProcess(
  registries: readonly FoundRegistry[],
  storeLocation: string,
): RegistryUser | undefined {
  const proven = registries.filter(({ usesOurStore, user }) => usesOurStore && user && knowsKeys(user));
  const [first] = proven;
  const user = first?.user;
  if (user === undefined || proven.some((other) => other.user?.uid !== user.uid)) return undefined;
  return {
    owner: { uid: user.uid, gid: user.gid },
    why: `as which the registry of process ${first?.pid} runs`,
    stateFolder: stateFolderOf(user, storeLocation),
  };
}

/** Root has read the file for it; whether the user can is another matter. */
function knowsKeys({ uid, gid, hasOurKeys, configFile }: RegistryProcessUser): boolean {
  if (uid === 0 || !hasOurKeys) return false;
  return configFile === undefined || canRead({ uid, gid }, configFile);
}

/** Only looked at: what is in it is used with the user's rights alone. */
function stateFolderOf(user: RegistryProcessUser, storeLocation: string): string | undefined {
  const { uid, stateDir, stateHome } = user;
  const env = { XDG_STATE_HOME: stateHome };
  const home = homeOfUser(uid) ?? "/";
  const folder = chooseStateFolder({ stateDir, storeLocation, user: { uid, home, env } });
  return isFolderOf(folder, uid) ? realpathSync(folder) : undefined;
}

function userOfFolder(storeLocation: string): RegistryUser | undefined {
  const root = { uid: 0, home: "/", env: {} };
  const folder = chooseStateFolder({ stateDir: SYSTEM_STATE_FOLDER, storeLocation, user: root });
  try {
    const { uid, gid } = lstatSync(folder);
    const parent = lstatSync(dirname(folder));
    if (uid === 0 || parent.uid !== 0 || (parent.mode & 0o022) !== 0) return undefined;
    return isFolderOf(folder, uid)
      ? { owner: { uid, gid }, why: `who was given ${folder}`, stateFolder: undefined }
      : undefined;
  } catch {
    return undefined;
  }
}

function userOfConfig(source: LoadedConfig["source"]): RegistryUser | undefined {
  if (source.kind !== "file") return undefined;
  try {
    const { uid, gid, mode } = statSync(resolve(source.path));
    const isTrusted = uid !== 0 && (mode & 0o002) === 0;
    return isTrusted
      ? { owner: { uid, gid }, why: `who owns ${source.path}`, stateFolder: undefined }
      : undefined;
  } catch {
    return undefined;
  }
}

function isFolderOf(folder: string, uid: number): boolean {
  try {
    const info = lstatSync(folder);
    return info.isDirectory() && info.uid === uid;
  } catch {
    return false;
  }
}

/** Files of root that the SDK would look for keys in. */
const CREDENTIAL_FILES = [
  "AWS_PROFILE",
  "AWS_SHARED_CREDENTIALS_FILE",
  "AWS_CONFIG_FILE",
  "AWS_WEB_IDENTITY_TOKEN_FILE",
  "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
];

/** Tells whether the keys of the bucket are found also by somebody who cannot read the files of root. */
function findsKeys(storage: StorageSettings): boolean {
  if ("credentials" in storage && storage.credentials !== undefined) return true;
  const { env } = process;
  if (env["AWS_ACCESS_KEY_ID"] && env["AWS_SECRET_ACCESS_KEY"]) return true;
  const hasFolder = lstatSync(`${homedir()}/.aws`, { throwIfNoEntry: false }) !== undefined;
  return !hasFolder && !CREDENTIAL_FILES.some((name) => env[name]);
}
