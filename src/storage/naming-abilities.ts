import type { StorageDriver } from "./driver.ts";

/*
 * What stores can do in which names are apart from what they name. As with the other abilities: ask with the guard.
 */

/** A file and the other name that it gets. */
export interface SecondName {
  from: string;
  to: string;
}

/** Gives files a second name, and folders another one, without touching what is in them. */
export interface Naming {
  /**
   * Gives files a second name beside their first; both have its time. Each is one file until either is replaced: whoever
   * writes into it in place changes it under both names. Not durable until `settleNames`. What has the second name already
   * stays. May block the event loop for a moment: never used inside `serve`.
   *
   * @returns those for which this store cannot do it, as between disks, or that are gone
   */
  linkFiles(files: readonly SecondName[]): Promise<SecondName[]>;
  /**
   * Gives a folder with everything in it another name, in one step, durable when it resolves.
   *
   * @returns false, with nothing done: there is no such folder, something is at `to`, this store cannot do it for these
   *   two, as between disks, or something in it is a symbolic link, which might lead elsewhere from there
   */
  moveFolder(from: string, to: string): Promise<boolean>;
  /** Makes the entries of folders durable, and their own names. */
  settleNames(folders: Iterable<string>): Promise<void>;
}

/** Tells whether a driver has {@link Naming}. */
export function hasNaming<T extends StorageDriver>(driver: T): driver is T & Naming {
  return "moveFolder" in driver && typeof driver.moveFolder === "function";
}
