import { type Stats, statSync } from "node:fs";
import { dirname } from "node:path";
import { InvalidPathError, StorageUnavailableError } from "../../errors.ts";
import { FolderSync } from "./folder-sync.ts";
import type { FsFile, FsOperations, FsStat } from "./fs-operations.ts";
import { errorCode, isMissing } from "./translate-error.ts";

/** Others remove emptied folders between our making them and our using them; so often we make them again. */
const MAX_ATTEMPTS = 100;

/**
 * Makes folders where they are missing and gives new entries their owner.
 *
 * The root folder is made by the first write if it was missing when the store was opened. If it was there and is gone,
 * or is another folder now (its disk was unmounted), nothing is made: a second, empty registry must not grow in its
 * place.
 */
export class Folders {
  readonly syncer: FolderSync;
  readonly #fs: FsOperations;
  readonly #root: string;
  #rootIdentity: string | undefined;
  #weAreRoot: boolean | undefined;

  constructor(fs: FsOperations, root: string) {
    this.#fs = fs;
    this.#root = root;
    this.syncer = new FolderSync(fs, root);
    const present = statRoot(root);
    if (present) this.#rootIdentity = identityOf(present);
  }

  /**
   * Runs `action`, which makes an entry in `folder`. Where it fails because the folder is missing, the folder is made
   * and the action runs again; `stillWanted` may put an end to that by throwing.
   */
  async within<T>(folder: string, action: () => Promise<T>, stillWanted?: () => Promise<void>): Promise<T> {
    if (folder === this.#root) await this.#checkRoot();
    for (let attempt = 1; ; attempt++) {
      try {
        return await action();
      } catch (error) {
        if (errorCode(error) === "ENOTDIR")
          throw new InvalidPathError(folder, "a file is where a folder should be");
        if (errorCode(error) !== "ENOENT") throw error;
        await stillWanted?.();
        if (attempt === MAX_ATTEMPTS) throw unusable(folder, error);
        await this.#make(folder);
      }
    }
  }

  /**
   * Makes one folder if it is missing, for work on many that blocks anyway.
   *
   * @throws {Error} the system's: ENOENT if the folder above is missing
   */
  makeSync(folder: string): void {
    try {
      this.#fs.mkdirSync(folder);
    } catch (error) {
      if (errorCode(error) === "EEXIST") return;
      throw error;
    }
    this.syncer.forget(folder);
    if (this.#weAreRoot === false) return;
    const own = this.#fs.statSync(folder);
    this.#weAreRoot ??= own.uid === 0;
    if (!this.#weAreRoot) return;
    const above = this.#fs.statSync(dirname(folder));
    if (above.uid !== own.uid || above.gid !== own.gid) this.#fs.chownSync(folder, above.uid, above.gid);
  }

  /** Gives a new file the owner of its folder if we are root; others cannot, and need not. */
  async adoptFile(file: FsFile, folder: string): Promise<void> {
    if (this.#weAreRoot === false) return;
    const own = await file.stat();
    this.#weAreRoot ??= own.uid === 0;
    if (!this.#weAreRoot) return;
    const parent = await this.#fs.stat(folder);
    if (parent.uid !== own.uid || parent.gid !== own.gid) await file.chown(parent.uid, parent.gid);
  }

  async #make(folder: string): Promise<void> {
    const parent = dirname(folder);
    if (folder === this.#root) {
      await this.#makeRoot();
      return;
    }
    if (parent === this.#root) await this.#checkRoot();
    for (let attempt = 1; ; attempt++) {
      try {
        await this.#fs.mkdir(folder);
        break;
      } catch (error) {
        const code = errorCode(error);
        if (code === "EEXIST") return;
        if (code === "ENOTDIR") throw new InvalidPathError(folder, "a file is where a folder should be");
        if (code !== "ENOENT") throw error;
        if (attempt === MAX_ATTEMPTS) throw unusable(parent, error);
        await this.#make(parent);
      }
    }
    this.syncer.forget(folder);
    await this.#adoptFolder(folder, parent);
  }

  async #adoptFolder(folder: string, parent: string): Promise<void> {
    if (this.#weAreRoot === false) return;
    try {
      const own = await this.#fs.stat(folder);
      this.#weAreRoot ??= own.uid === 0;
      if (!this.#weAreRoot) return;
      const above = await this.#fs.stat(parent);
      if (above.uid !== own.uid || above.gid !== own.gid) await this.#fs.chown(folder, above.uid, above.gid);
    } catch (error) {
      // Removed again by another process; whoever needs it makes it again.
      if (!isMissing(error)) throw error;
    }
  }

  /** Makes the root folder with its parents, durable at once: this happens once in the life of a registry. */
  async #makeRoot(): Promise<void> {
    await this.#checkRoot();
    const missing: string[] = [];
    for (let at = this.#root; !(await this.#exists(at)); at = dirname(at)) missing.push(at);
    for (const folder of missing.reverse()) {
      const made = await this.#fs.mkdir(folder).then(
        () => true,
        (error: unknown) => {
          if (errorCode(error) === "EEXIST") return false;
          throw error;
        },
      );
      if (made) await this.#adoptFolder(folder, dirname(folder));
      await this.syncer.syncOnly(dirname(folder));
    }
    await this.#checkRoot();
  }

  async #exists(path: string): Promise<boolean> {
    try {
      await this.#fs.stat(path);
      return true;
    } catch (error) {
      if (errorCode(error) === "ENOENT") return false;
      throw error;
    }
  }

  async #checkRoot(): Promise<void> {
    let present: FsStat | undefined;
    try {
      present = await this.#fs.stat(this.#root);
    } catch (error) {
      if (errorCode(error) !== "ENOENT") throw error;
    }
    if (present && !present.isDirectory()) throw this.#rootError("is not a folder");
    const identity = present && identityOf(present);
    if (this.#rootIdentity === undefined) this.#rootIdentity = identity;
    else if (identity === undefined) throw this.#rootError("has gone since the store was opened");
    else if (identity !== this.#rootIdentity)
      throw this.#rootError("is another folder than when the store was opened");
  }

  #rootError(what: string): StorageUnavailableError {
    return new StorageUnavailableError(`filesystem: the root folder ${this.#root} ${what}`, {
      hint: "mount the disk of the store again, then restart this program",
    });
  }
}

function identityOf(stat: { dev: number; ino: number }): string {
  return `${stat.dev}:${stat.ino}`;
}

function unusable(folder: string, cause: unknown): StorageUnavailableError {
  return new StorageUnavailableError(`filesystem: the folder ${folder} cannot be made or does not last`, {
    cause,
    hint: `look whether ${folder} is a symbolic link that leads nowhere, such as to a disk that is not mounted`,
  });
}

function statRoot(root: string): Stats | undefined {
  let found: Stats;
  try {
    // Not `throwIfNoEntry: false`: newer versions of Node take a file in place of a parent folder for "no entry".
    found = statSync(root);
  } catch (error) {
    if (errorCode(error) === "ENOENT") return undefined;
    throw unusableRoot(root, errorCode(error) ?? "it cannot be looked at", error);
  }
  if (!found.isDirectory()) throw unusableRoot(root, "it is no folder");
  return found;
}

function unusableRoot(root: string, reason: string, cause?: unknown): StorageUnavailableError {
  return new StorageUnavailableError(`the store ${root} cannot be used: ${reason}`, {
    cause,
    hint: "look at storage.filesystem.rootdirectory",
  });
}
