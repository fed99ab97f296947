import { dirname } from "node:path";
import type { FsOperations } from "./fs-operations.ts";
import { errorCode, isMissing } from "./translate-error.ts";

/** How many folders are remembered as durable; at about 300 bytes each. */
const REMEMBERED_FOLDERS = 10_000;
/** Some network file systems cannot sync a folder; nothing better can be done there. */
const CANNOT_SYNC = new Set(["EINVAL", "ENOTSUP", "EBADF"]);

interface Running {
  current: Promise<void>;
  next: Promise<void> | undefined;
}

/**
 * Makes names durable. Syncs of one folder that are asked for while one is running share the next, so that a hundred
 * commits into one folder cost two or three syncs. A folder whose own name may not be durable yet (another process may
 * just have made it) has its parents synced along; what is known to be durable is remembered, with the identity of the
 * folder, as another process may remove it and make it again.
 */
export class FolderSync {
  readonly #fs: FsOperations;
  readonly #root: string;
  readonly #running = new Map<string, Running>();
  /** The identity that each folder had when its name was made durable. */
  readonly #durable = new Map<string, string>();
  readonly #madeMeanwhile = new Set<Set<string>>();

  constructor(fs: FsOperations, root: string) {
    this.#fs = fs;
    this.#root = root;
  }

  /** Tells that a folder has just been made, or removed, so that its name is not durable. */
  forget(folder: string): void {
    this.#durable.delete(folder);
    for (const made of this.#madeMeanwhile) made.add(folder);
  }

  /**
   * Makes the entries of a folder durable, and the folder's own name with those of its parents up to the root. What the
   * caller has made in the folder must be there already: it keeps the folder from being removed meanwhile.
   */
  async sync(folder: string): Promise<void> {
    const madeMeanwhile = new Set<string>();
    this.#madeMeanwhile.add(madeMeanwhile);
    const named = new Map<string, string | undefined>();
    try {
      for (let at = folder; at !== this.#root; at = dirname(at)) {
        const identity = this.#identityOf(at);
        // A folder that stayed the same has had its name, and so have those above it, since that was made durable.
        if (identity !== undefined && this.#durable.get(at) === identity) break;
        named.set(at, identity);
      }
      const toSync = [folder, ...[...named.keys()].map((each) => dirname(each))];
      await Promise.all(toSync.map((each) => this.syncOnly(each)));
    } finally {
      this.#madeMeanwhile.delete(madeMeanwhile);
    }
    for (const [at, identity] of named) {
      if (identity !== undefined && !madeMeanwhile.has(at)) this.#remember(at, identity);
    }
  }

  /** Makes the entries of a folder durable, or those of the nearest folder above it that is there. */
  async syncNearest(folder: string): Promise<void> {
    let at = folder;
    while (at !== this.#root && !(await this.#exists(at))) at = dirname(at);
    await this.syncOnly(at);
  }

  /** Makes the entries of one folder durable, and nothing else. */
  syncOnly(folder: string): Promise<void> {
    const running = this.#running.get(folder);
    if (running === undefined) return this.#start(folder);
    // The running sync may have begun before the caller's change, so only the next one counts.
    running.next ??= running.current.catch(() => undefined).then(() => this.#start(folder));
    return running.next;
  }

  async #exists(folder: string): Promise<boolean> {
    try {
      await this.#fs.stat(folder);
      return true;
    } catch (error) {
      if (isMissing(error)) return false;
      throw error;
    }
  }

  #identityOf(folder: string): string | undefined {
    try {
      // Synchronous, as the folder is in use: a look at it takes microseconds, and a turn of a thread ten times as long.
      const { dev, ino, birthtimeMs } = this.#fs.statSync(folder);
      // The number of a removed folder is soon given to another. Where a file system keeps no time of birth, this is 0, or
      // the time of the last change: then every change costs one more sync. Two folders that have the number one after the
      // other within one tick of the kernel's clock, some milliseconds, are not told apart.
      return `${dev}:${ino}:${birthtimeMs}`;
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  }

  #start(folder: string): Promise<void> {
    const started: Running = { current: this.#run(folder), next: undefined };
    this.#running.set(folder, started);
    return started.current;
  }

  async #run(folder: string): Promise<void> {
    try {
      await this.#fs.syncFolder(folder);
    } catch (error) {
      const code = errorCode(error) ?? "";
      // A folder that is gone has no entries any more: somebody deleted what the caller has just written.
      if (code !== "ENOENT" && code !== "ENOTDIR" && !CANNOT_SYNC.has(code)) throw error;
    } finally {
      const running = this.#running.get(folder);
      if (running?.next === undefined) this.#running.delete(folder);
    }
  }

  #remember(folder: string, identity: string): void {
    if (this.#durable.size >= REMEMBERED_FOLDERS) {
      for (const oldest of this.#durable.keys()) {
        this.#durable.delete(oldest);
        break;
      }
    }
    this.#durable.set(folder, identity);
  }
}
