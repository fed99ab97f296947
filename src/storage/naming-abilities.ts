import type { StorageDriver } from "./driver.ts";

/*
 * What stores can do in which names are apart from what they name. As with the other abilities: ask with the guard.
 */

/** Gives files a second name, and folders another one, without touching what is in them. */
export interface Naming {
  /**
   * Gives a file a second name beside its first; both have its time. It is one file until either is replaced: whoever writes
   * into it in place changes it under both names. Not durable until `settleNames`. What stands at `to` already stays.
   *
   * @returns false, with nothing done: this store cannot do it for these two, as between disks
   * @throws {PathNotFoundError} if there is no file at `from`
   */
  linkFile(from: string, to: string): Promise<boolean>;
  /**
   * Gives a folder with everything in it another name, in one step, durable when it resolves.
   *
   * @returns false, with nothing done: there is no such folder, something is at `to`, or this store cannot do it for these
   *   two, as between disks
   */
  moveFolder(from: string, to: string): Promise<boolean>;
  /** Makes the entries of folders durable, and their own names. Folders that are gone are left out. */
  settleNames(folders: Iterable<string>): Promise<void>;
}

/** Tells whether a driver has {@link Naming}. */
export function hasNaming<T extends StorageDriver>(driver: T): driver is T & Naming {
  return "moveFolder" in driver && typeof driver.moveFolder === "function";
}
