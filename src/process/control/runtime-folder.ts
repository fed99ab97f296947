import { createHash } from "node:crypto";
import { chmodSync, chownSync, lstatSync, mkdirSync, statSync } from "node:fs";
import { basename, dirname, isAbsolute, join, resolve } from "node:path";
import type { LoadedConfig } from "../../config/settings.ts";
import { RegistryStateError } from "../../errors.ts";
import { makeFolders } from "../../lib/make-folders.ts";
import { storeIdentity } from "../../state/store-identity.ts";
import type { Owner } from "../machine/switch-user.ts";
import { DEFAULT_ADDR } from "../workers/listen-address.ts";

/** Where root's servers have their sockets; with systemd's `RuntimeDirectory=registry-ctl` those of the service's user too. */
export const SYSTEM_RUNTIME_FOLDER = "/run/registry-ctl";

/** Room for a socket's path in the kernel's structure, with its final zero. @see https://man7.org/linux/man-pages/man7/unix.7.html */
const MAX_SOCKET_PATH_BYTES = 107;

/** A login's own runtime folder goes when its last session ends. */
const LOGIN_RUNTIME_FOLDER = /^\/(var\/)?run\/user\//;

const SOCKET_NAME = "control.sock";
const PID_NAME = "registry-ctl.pid";

/** What decides where the sockets of a user are. */
export interface RuntimeUser {
  uid: number;
  env: Readonly<Record<string, string | undefined>>;
}

/** Where a server is spoken to, and where its process id stands. */
export interface RuntimePlace {
  /** Not open to others. */
  folder: string;
  /** There is nothing else in the folder: it goes with the server. */
  isOwn: boolean;
  socket: string;
  pidFile: string;
}

/** @returns a short text that is the same for all configurations with this store and this address */
export function serverName({ storage, http }: Pick<LoadedConfig["settings"], "storage" | "http">): string {
  const addr = http.addr === "" && http.net === "tcp" ? DEFAULT_ADDR : http.addr;
  const text = `${storeIdentity(storage)}\n${http.net}:${addr}`;
  return createHash("sha256").update(text).digest("hex").slice(0, 16);
}

/**
 * Where a server's socket may be, the most likely place first: below `$RUNTIME_DIRECTORY` (which systemd sets for a
 * service), for root `/run/registry-ctl`, else `$XDG_RUNTIME_DIR/registry-ctl` or `/tmp/registry-ctl-<uid>`. Places whose
 * path would be too long for a socket are left out. Nothing is created.
 */
export function runtimePlaces(name: string, { uid, env }: RuntimeUser): RuntimePlace[] {
  const service = env["RUNTIME_DIRECTORY"]?.split(":")[0];
  const xdg = env["XDG_RUNTIME_DIR"];
  const bases: string[] = [];
  if (service !== undefined && isAbsolute(service)) bases.push(service);
  if (xdg !== undefined && isAbsolute(xdg) && (uid !== 0 || !LOGIN_RUNTIME_FOLDER.test(xdg))) {
    bases.push(join(xdg, "registry-ctl"));
  }
  if (uid === 0) bases.push(SYSTEM_RUNTIME_FOLDER);
  bases.push(join("/tmp", `registry-ctl-${uid}`));
  return bases.map((base) => placeIn(join(base, name))).filter(fits);
}

/**
 * @param stateFolder - of the store
 * @returns a place that nobody else can have taken before; it is found by what a server writes down in its state folder.
 *   Undefined if its path would be too long for a socket
 */
export function placeInState(stateFolder: string, name: string): RuntimePlace | undefined {
  const place = placeIn(join(stateFolder, "run", name));
  return fits(place) ? place : undefined;
}

/**
 * @param controlSocket - `--control-socket`: path of the socket, in a folder that is for the server's user alone
 * @throws {RegistryStateError} if the path is too long for a socket
 */
export function placeOfSocket(controlSocket: string): RuntimePlace {
  const socket = resolve(controlSocket);
  const folder = dirname(socket);
  const place = { folder, isOwn: false, socket, pidFile: join(folder, `${basename(socket)}.pid`) };
  if (fits(place)) return place;
  throw new RegistryStateError(
    `the path of the control socket has more than ${MAX_SOCKET_PATH_BYTES - 1} bytes: ${socket}`,
    {
      hint: "give a shorter --control-socket",
    },
  );
}

/**
 * Makes the folder of a place, for its owner alone (0700), and gives it to `owner`. To be called before root switches to
 * that user.
 *
 * @throws {Error} if it cannot be made, would be of no use to the owner, or somebody else has made it
 */
export function makeRuntimeFolder({ folder }: RuntimePlace, uid: number, owner: Owner | undefined): void {
  const base = dirname(folder);
  if (makeFolders(base, 0o755)) chmodSync(base, 0o755);
  requireTrusted(base, [0, uid]);
  if (owner !== undefined) requirePassable(base, owner.uid);
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
  if (info.uid === uid || uid === 0) {
    if ((info.mode & 0o777) !== 0o700) chmodSync(folder, 0o700);
    if (owner !== undefined && info.uid !== owner.uid) chownSync(folder, owner.uid, owner.gid);
  }
}

function placeIn(folder: string): RuntimePlace {
  return { folder, isOwn: true, socket: join(folder, SOCKET_NAME), pidFile: join(folder, PID_NAME) };
}

function fits({ socket }: RuntimePlace): boolean {
  return Buffer.byteLength(socket) < MAX_SOCKET_PATH_BYTES;
}

/**
 * In a folder such as /tmp anybody can put something that looks like ours.
 *
 * @throws {Error} if others than these users may take away what is in the folder
 */
export function requireTrusted(folder: string, uids: readonly number[]): void {
  const info = lstatSync(folder);
  if (!info.isDirectory()) throw new Error(`${folder} is no folder`);
  const isOpen = (info.mode & 0o022) !== 0 && (info.mode & 0o1000) === 0;
  if (isOpen) throw new Error(`${folder} may be changed by others`);
  if (!uids.includes(info.uid)) throw new Error(`${folder} belongs to user ${info.uid}`);
}

/** Below a folder that is root's alone the registry's user would not find its own one. */
function requirePassable(base: string, uid: number): void {
  for (let path = base; ; path = dirname(path)) {
    const info = statSync(path);
    if ((info.mode & 0o001) === 0 && info.uid !== uid) throw new Error(`user ${uid} cannot pass ${path}`);
    if (path === dirname(path)) return;
  }
}
