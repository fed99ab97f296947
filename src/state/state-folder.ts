import { createHash } from "node:crypto";
import { chmodSync, chownSync, lstatSync, mkdirSync } from "node:fs";
import { isAbsolute, join } from "node:path";

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
  // A relative path is to be ignored: https://specifications.freedesktop.org/basedir-spec/latest/
  const xdg = user.env["XDG_STATE_HOME"];
  const base = xdg !== undefined && isAbsolute(xdg) ? xdg : join(user.home, ".local", "state");
  return join(base, "registry-ctl", name);
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
  mkdirSync(join(folder, ".."), { recursive: true, mode: 0o755 });
  try {
    mkdirSync(folder, { mode: 0o700 });
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
  }
  const info = lstatSync(folder);
  if (!info.isDirectory()) throw new Error(`${folder} is no folder`);
  if (info.uid !== uid && info.uid !== owner?.uid) {
    throw new Error(`${folder} belongs to user ${info.uid}, not to ${owner?.uid ?? uid}`);
  }
  if ((info.mode & 0o077) !== 0) chmodSync(folder, 0o700);
  if (owner !== undefined && (info.uid !== owner.uid || info.gid !== owner.gid)) {
    chownSync(folder, owner.uid, owner.gid);
  }
}

function belongsTo(folder: string, uid: number): boolean {
  const info = lstatSync(folder, { throwIfNoEntry: false });
  return info?.isDirectory() === true && info.uid === uid;
}
