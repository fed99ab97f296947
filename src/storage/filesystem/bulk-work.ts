import { readdirSync } from "node:fs";
import { setImmediate } from "node:timers/promises";
import { forEachConcurrently } from "../../lib/for-each-concurrently.ts";
import type {
  BulkDelete,
  DurableRemovals,
  ScanAsides,
  ScanFailure,
  Scannable,
  ScannedFile,
  SynchronousFolders,
  TemporaryFiles,
} from "../abilities.ts";
import { checkPath } from "../check-path.ts";
import type { FolderSync } from "./folder-sync.ts";
import { type ScanOptions, scanFolder } from "./scan-folder.ts";
import { DRIVER_NAME, type StoreFolder } from "./store-folder.ts";
import { isTemporaryName } from "./temporary-name.ts";
import { isFolderInUse, isMissing, notAFile } from "./translate-error.ts";

/** So many files are removed before the event loop gets its turn. */
const DELETES_AT_ONCE = 256;
/** More syncs at a time gain nothing, since a file system commits them together. */
const SYNCS_AT_ONCE = 16;

/** What is done to many files of a store at once. */
export class BulkWork implements Scannable, SynchronousFolders, BulkDelete, DurableRemovals, TemporaryFiles {
  readonly #store: StoreFolder;
  readonly #syncer: FolderSync;

  constructor(store: StoreFolder, syncer: FolderSync) {
    this.#store = store;
    this.#syncer = syncer;
  }

  async *scan(
    path: string,
    onFailure: (failure: ScanFailure) => void,
    asides: ScanAsides = {},
  ): AsyncGenerator<ScannedFile[]> {
    yield* this.#scan(path, { ...asides, onFailure, temporary: false });
  }

  async *scanDownTo(
    path: string,
    isLeaf: (path: string) => boolean,
    onFailure: (failure: ScanFailure) => void,
    asides: ScanAsides = {},
  ): AsyncGenerator<ScannedFile[]> {
    yield* this.#scan(path, { ...asides, onFailure, temporary: false, isLeaf });
  }

  listNamesSync(path: string): string[] | undefined {
    checkPath(path, "folder");
    try {
      const names = readdirSync(this.#store.absolute(path));
      return names.some(isTemporaryName) ? names.filter((name) => !isTemporaryName(name)) : names;
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw this.#store.translate(error, "list", path);
    }
  }

  deleteFileSync(path: string): boolean {
    try {
      this.#store.fs.unlinkSync(this.#store.absolute(checkPath(path)));
      return true;
    } catch (error) {
      if (isMissing(error)) return false;
      throw this.#store.translate(notAFile(DRIVER_NAME, error, path), "delete", path);
    }
  }

  removeFolderSync(path: string): boolean {
    if (checkPath(path, "folder") === "/") return false;
    const absolute = this.#store.absolute(path);
    try {
      this.#store.fs.rmdirSync(absolute);
    } catch (error) {
      if (isFolderInUse(error)) return false;
      throw this.#store.translate(error, "remove the folder", path);
    }
    this.#syncer.forget(absolute);
    return true;
  }

  async settleRemovals(folders: Iterable<string>): Promise<void> {
    await forEachConcurrently(folders, SYNCS_AT_ONCE, (folder) =>
      this.#store.run("sync", folder, (absolute) => this.#syncer.syncNearest(absolute), "folder"),
    );
  }

  async deleteMany(paths: readonly string[]): Promise<{ path: string; error: unknown }[]> {
    const failed: { path: string; error: unknown }[] = [];
    for (const [index, path] of paths.entries()) {
      if (index > 0 && index % DELETES_AT_ONCE === 0) await setImmediate();
      try {
        this.deleteFileSync(path);
      } catch (error) {
        failed.push({ path, error });
      }
    }
    return failed;
  }

  async sweepTemporaryFiles(path: string, beforeMs: number): Promise<number> {
    let removed = 0;
    for await (const batch of this.#scan(path, { onFailure: () => undefined, temporary: true })) {
      for (const file of batch) {
        const stat = this.#store.statFileSync(file.path);
        if (stat === undefined || stat.modifiedMs >= beforeMs) continue;
        if ((await this.deleteMany([file.path])).length === 0) removed++;
      }
    }
    return removed;
  }

  async *#scan(path: string, options: Omit<ScanOptions, "translate">) {
    checkPath(path, "folder");
    const translate = (error: unknown, at: string) => this.#store.translate(error, "list", at);
    const absolutePath = this.#store.absolute(path);
    const real = await this.#store.fs.realpath(absolutePath).catch(() => absolutePath);
    yield* scanFolder({ path, absolutePath, realAncestors: [real] }, { ...options, translate });
  }
}
