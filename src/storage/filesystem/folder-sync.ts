import { dirname } from "node:path";
import type { FsOperations } from "./fs-operations.ts";
import { errorCode, isMissing } from "./translate-error.ts";

/** How many folders are remembered as durable; at about 200 bytes each. */
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
 * just have made it) has its parents synced along; what is known to be durable is remembered.
 */
export class FolderSync {
  readonly #fs: FsOperations;
  readonly #root: string;
  readonly #running = new Map<string, Running>();
  readonly #durable = new Set<string>();
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

  /** Makes the entries of a folder durable, and the folder's own name with those of its parents up to the root. */
  async sync(folder: string): Promise<void> {
    const toSync = [folder];
    const named: string[] = [];
    for (let at = folder; at !== this.#root && !this.#durable.has(at); at = dirname(at)) {
      named.push(at);
      toSync.push(dirname(at));
    }
    const madeMeanwhile = new Set<string>();
    this.#madeMeanwhile.add(madeMeanwhile);
    try {
      await Promise.all(toSync.map((each) => this.syncOnly(each)));
    } finally {
      this.#madeMeanwhile.delete(madeMeanwhile);
    }
    for (const each of named) if (!madeMeanwhile.has(each)) this.#remember(each);
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

  #remember(folder: string): void {
    if (this.#durable.size >= REMEMBERED_FOLDERS) {
      for (const oldest of this.#durable) {
        this.#durable.delete(oldest);
        break;
      }
    }
    this.#durable.add(folder);
  }
}
