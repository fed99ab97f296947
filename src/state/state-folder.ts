import { createHash } from "node:crypto";
import {
  chmodSync,
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
} from "node:fs";
import { isAbsolute, join } from "node:path";
import { makeFolders } from "../lib/make-folders.ts";
import { errorCodeOf } from "../lib/system-error.ts";

const { O_DIRECTORY, O_NOFOLLOW, O_RDONLY } = constants;

/** Where root keeps state, as the Filesystem Hierarchy Standard has it. */
export const SYSTEM_STATE_FOLDER = "/var/lib/registry-ctl";

/** Who runs the program, as far as it decides where state is kept. */
export interface StateUser {
  uid: number;
  home: string;
  env: Readonly<Record<string, string | undefined>>;
}

/** Options of {@link chooseStateFolder}. */
export interface StateFolderOptions {
  /** `--state-dir`: taken instead of the defaults. */
  stateDir?: string | undefined;
  /** What `storeIdentity` gives. */
  storeLocation: string;
  user: StateUser;
  /** Instead of {@link SYSTEM_STATE_FOLDER}. */
  systemFolder?: string;
}

/**
 * Where the state of one store is kept: a folder named by a hash of the store's location, below `--state-dir`, else
 * `/var/lib/registry-ctl` for root (and for the user whom root has given this store's folder there), else
 * `$XDG_STATE_HOME/registry-ctl`, else `~/.local/state/registry-ctl`. Nothing is created.
 */
export function chooseStateFolder(options: StateFolderOptions): string {
  const { stateDir, user, systemFolder = SYSTEM_STATE_FOLDER } = options;
  const name = createHash("sha256").update(options.storeLocation).digest("hex").slice(0, 16);
  if (stateDir !== undefined) return join(stateDir, name);
  const system = join(systemFolder, name);
  if (user.uid === 0 || belongsTo(system, user.uid)) return system;
  return join(homeStateFolder(user), name);
}

/**
 * Where what belongs to no single store is kept: `--state-dir`, else `/var/lib/registry-ctl` for root, else
 * `$XDG_STATE_HOME/registry-ctl`, else `~/.local/state/registry-ctl`. Nothing is created.
 */
export function stateBaseFolder(
  stateDir: string | undefined,
  user: StateUser,
  systemFolder = SYSTEM_STATE_FOLDER,
): string {
  return stateDir ?? (user.uid === 0 ? systemFolder : homeStateFolder(user));
}

function homeStateFolder({ env, home }: StateUser): string {
  // A relative path is to be ignored: https://specifications.freedesktop.org/basedir-spec/latest/
  const xdg = env["XDG_STATE_HOME"];
  const base = xdg !== undefined && isAbsolute(xdg) ? xdg : join(home, ".local", "state");
  return join(base, "registry-ctl");
}

/**
 * Makes a folder that others pass on the way to what is theirs, whatever the umask leaves. One that is there stays as it is.
 *
 * @throws {Error} the system's
 */
export function makePassableFolder(folder: string): void {
  if (makeFolders(folder, 0o755)) chmodSync(folder, 0o755);
}

/**
 * Makes a store's state folder, for its owner alone (0700), and gives it to `owner`. A folder that somebody else put
 * there is not used: it could be a trap, since what is read from it decides what may be deleted.
 * @param owner - the user that the registry will run as; undefined: the one that runs now, whose id is `uid`
 * @throws {Error} if it cannot be made, or exists and belongs to somebody else
 */
export function makeStateFolder(
  folder: string,
  uid: number,
  owner: { uid: number; gid: number } | undefined,
): void {
  makePassableFolder(join(folder, ".."));
  try {
    mkdirSync(folder, { mode: 0o700 });
  } catch (error) {
    if (errorCodeOf(error) !== "EEXIST") throw error;
  }
  const handle = openFolder(folder);
  try {
    const info = fstatSync(handle);
    if (info.uid !== uid && info.uid !== owner?.uid) {
      throw new Error(`${folder} belongs to user ${info.uid}, not to ${owner?.uid ?? uid}`);
    }
    if ((info.mode & 0o077) !== 0) fchmodSync(handle, 0o700);
    if (owner !== undefined && (info.uid !== owner.uid || info.gid !== owner.gid)) {
      fchownSync(handle, owner.uid, owner.gid);
    }
  } finally {
    closeSync(handle);
  }
}

/** What is changed is what was looked at: a link may take its place at any time. */
function openFolder(folder: string): number {
  try {
    return openSync(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  } catch (error) {
    const isOther = ["ENOTDIR", "ELOOP"].includes(errorCodeOf(error));
    throw isOther ? new Error(`${folder} is no folder`, { cause: error }) : error;
  }
}

function belongsTo(folder: string, uid: number): boolean {
  const info = lstatSync(folder, { throwIfNoEntry: false });
  return info?.isDirectory() === true && info.uid === uid;
}
