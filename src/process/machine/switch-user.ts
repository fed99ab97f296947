import { readFileSync, type Stats, statSync } from "node:fs";
import { StorageUnavailableError } from "../../errors.ts";

/** A user and a group, by number. */
export interface Owner {
  uid: number;
  gid: number;
}

/**
 * @param folder - absolute path of the store's root folder
 * @returns whom this process should become to work on the store: its owner, if root runs it and it is somebody
 *   else's; undefined if there is nothing to switch, or no such folder yet
 */
export function ownerToSwitchTo(folder: string): Owner | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const info = statIfPossible(folder);
  return info === undefined || info.uid === 0 ? undefined : { uid: info.uid, gid: info.gid };
}

/** What makes the folder unusable is told when the store is opened. */
function statIfPossible(folder: string): Stats | undefined {
  try {
    return statSync(folder, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}

/**
 * Run by root on a store whose root folder belongs to another user, becomes that user, for good, with its groups:
 * so that nothing is left behind that the registry cannot read or remove, and because root may do nothing on a
 * network file system that squashes it. To be called before the store is opened.
 *
 * @returns what was done, for people; undefined if nothing was
 * @throws {StorageUnavailableError} if the system refuses
 */
export function switchToStoreOwner(folder: string): string | undefined {
  const owner = ownerToSwitchTo(folder);
  return owner === undefined ? undefined : becomeUser(owner, `who owns ${folder}`);
}

/**
 * Becomes another user, for good, with its groups.
 *
 * @param why - the end of a sentence that names the user
 * @returns what was done, for people
 * @throws {StorageUnavailableError} if the system refuses
 */
export function becomeUser(owner: Owner, why: string): string {
  const name = userName(owner.uid) ?? owner.uid;
  try {
    process.setgroups?.(groupsOf(owner));
    process.setgid?.(owner.gid);
    process.setuid?.(owner.uid);
  } catch (cause) {
    throw new StorageUnavailableError(`cannot become user ${name}, ${why}`, {
      cause,
      hint: "run as that user, or give root the capabilities SETUID and SETGID",
    });
  }
  return `running as user ${name} (group ${owner.gid}), ${why}`;
}

/**
 * Does something with the rights of another user, and is root again afterwards. Nothing else may be under way: all threads
 * of the process have these rights meanwhile.
 *
 * @throws what `run` throws, or the system's error if it refuses
 */
export function withRightsOf<T>(owner: Owner, run: () => T): T {
  const groups = process.getgroups?.() ?? [];
  const gid = process.getegid?.() ?? 0;
  const uid = process.geteuid?.() ?? 0;
  try {
    process.setgroups?.(groupsOf(owner));
    process.setegid?.(owner.gid);
    process.seteuid?.(owner.uid);
    return run();
  } finally {
    process.seteuid?.(uid);
    process.setegid?.(gid);
    process.setgroups?.(groups);
  }
}

/** @returns the folder of a user; undefined for users of network directories, who are not in the file */
export function homeOfUser(uid: number): string | undefined {
  return records("/etc/passwd").find(([, , id]) => id === String(uid))?.[5] || undefined;
}

/** Users of network directories are not in the file: they have no name here, and the folder's group only. */
function userName(uid: number): string | undefined {
  return records("/etc/passwd").find(([, , id]) => id === String(uid))?.[0];
}

function groupsOf({ uid, gid }: Owner): number[] {
  const user = userName(uid);
  if (user === undefined) return [gid];
  const groups = records("/etc/group").filter(([, , , members]) => members?.split(",").includes(user));
  return [...new Set([gid, ...groups.map(([, , id]) => Number(id))])];
}

/** @see https://man7.org/linux/man-pages/man5/passwd.5.html */
function records(file: string): string[][] {
  try {
    return readFileSync(file, "utf8")
      .split("\n")
      .map((line) => line.split(":"));
  } catch {
    return [];
  }
}
