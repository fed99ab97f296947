import { resolve } from "node:path";
import type { Readable } from "node:stream";
import { setImmediate } from "node:timers/promises";
import { CancelledError, InvalidOffsetError, PathNotFoundError } from "../../errors.ts";
import { forEachConcurrently } from "../../lib/for-each-concurrently.ts";
import type {
  BulkDelete,
  ChildName,
  DurableRemovals,
  EmptyFolders,
  ExclusiveCreate,
  FastReads,
  NameListing,
  OpenedFile,
  ScanAsides,
  ScanFailure,
  Scannable,
  ScannedFile,
  SmallReads,
  StoreClock,
  TemporaryFiles,
} from "../abilities.ts";
import { checkPath } from "../check-path.ts";
import type { FileInfo, FileWriter, ReadOptions, StorageDriver, WriterOptions } from "../driver.ts";
import { DurableChanges } from "./durable-changes.ts";
import { FileStream } from "./file-stream.ts";
import { FilesystemWriter } from "./filesystem-writer.ts";
import { Folders } from "./folders.ts";
import { type FsFile, type FsOperations, type FsStat, nodeFs } from "./fs-operations.ts";
import { type ScanOptions, scanFolder } from "./scan-folder.ts";
import { readSmallFile, statSmallFile } from "./small-reads.ts";
import { errorCode, isMissing, translateError } from "./translate-error.ts";
import { fileInfo, listChildren, listFolder, type WalkPosition, walkFolder } from "./walk-folder.ts";

const NAME = "filesystem";
/** So many files are removed before the event loop gets its turn. */
const DELETES_AT_ONCE = 256;
/** More syncs at a time gain nothing, since a file system commits them together. */
const SYNCS_AT_ONCE = 16;

/** Options of {@link FilesystemDriver}. */
export interface FilesystemOptions {
  /** The folder that `/` of the store is; relative to the working folder. May be a symbolic link. */
  rootDirectory: string;
  /** Stands between the driver and the file system in tests. */
  fs?: FsOperations | undefined;
}

/**
 * Keeps a registry in a folder. What `put`, `move`, `commit` and `putIfAbsent` have done survives a power cut; what
 * `delete` has removed may come back with one, unless `settleRemovals` follows. New files and folders belong to the
 * owner of the folder they are in when we are root. Symbolic links are followed.
 *
 * The root folder is made by the first write if it is missing. Opening touches nothing.
 */
export class FilesystemDriver
  implements
    StorageDriver,
    NameListing,
    SmallReads,
    FastReads,
    Scannable,
    EmptyFolders,
    DurableRemovals,
    ExclusiveCreate,
    StoreClock,
    BulkDelete,
    TemporaryFiles
{
  readonly name = NAME;
  readonly location: string;
  readonly #fs: FsOperations;
  readonly #changes: DurableChanges;
  readonly #folders: Folders;

  constructor(options: FilesystemOptions) {
    this.location = resolve(options.rootDirectory);
    this.#fs = options.fs ?? nodeFs;
    this.#folders = new Folders(this.#fs, this.location);
    this.#changes = new DurableChanges(this.#fs, this.#folders);
  }

  async get(path: string): Promise<Uint8Array> {
    const { file, stat } = await this.#open(path);
    try {
      const content = new Uint8Array(stat.size);
      let filled = 0;
      while (filled < content.length) {
        const bytesRead = await file.read(content.subarray(filled), filled);
        if (bytesRead === 0) break;
        filled += bytesRead;
      }
      return content.subarray(0, filled);
    } catch (error) {
      throw this.#translate(error, "read", path);
    } finally {
      await file.close();
    }
  }

  async put(path: string, content: Uint8Array): Promise<void> {
    await this.#do("write", path, (absolute) => this.#changes.replace(absolute, content));
  }

  async read(path: string, options: ReadOptions = {}): Promise<Readable> {
    const { offset = 0, lengthBytes = Number.POSITIVE_INFINITY, signal } = options;
    if (signal?.aborted) throw new CancelledError();
    const { file, stat } = await this.#open(path);
    if (!Number.isSafeInteger(offset) || offset < 0 || offset > stat.size) {
      await file.close();
      throw new InvalidOffsetError(NAME, path, offset);
    }
    const range = { offset, lengthBytes: Math.min(lengthBytes, stat.size - offset) };
    return new FileStream(file, range, (error) => this.#translate(error, "read", path), signal);
  }

  async openFile(path: string): Promise<OpenedFile> {
    const { file, stat } = await this.#open(path);
    let closed = false;
    return {
      sizeBytes: stat.size,
      modifiedMs: stat.mtimeMs,
      read: async (buffer, position) => {
        try {
          return await file.read(buffer, position);
        } catch (error) {
          throw this.#translate(error, "read", path);
        }
      },
      close: async () => {
        if (closed) return;
        closed = true;
        await file.close();
      },
    };
  }

  async openWriter(path: string, options: WriterOptions = {}): Promise<FileWriter> {
    const { append = false, signal } = options;
    if (signal?.aborted) throw new CancelledError();
    const changes = this.#changes;
    const translate = (error: unknown) => this.#translate(error, "write", path);
    return this.#do("write", path, async (absolute) => {
      if (append) {
        const file = await changes.openInPlace(absolute);
        const end = {
          publish: () => changes.settleName(absolute),
          discard: () => changes.discard(absolute),
          translate,
        };
        return new FilesystemWriter(file, (await file.stat()).size, end, { keepOnClose: true, signal });
      }
      const { file, temporaryPath } = await changes.openTemporary(absolute);
      const end = {
        publish: () => changes.publish(temporaryPath, absolute),
        discard: () => changes.discard(temporaryPath),
        translate,
      };
      return new FilesystemWriter(file, 0, end, { keepOnClose: false, signal });
    });
  }

  async stat(path: string): Promise<FileInfo> {
    checkPath(path, "folder");
    return this.#do(
      "look at",
      path,
      async (absolute) => fileInfo(path, await this.#fs.stat(absolute)),
      "folder",
    );
  }

  async list(path: string): Promise<FileInfo[]> {
    return this.#do(
      "list",
      path,
      async () => (await listFolder(this.#fs, await this.#position(path))).map((each) => each.info),
      "folder",
    );
  }

  async listNames(path: string): Promise<ChildName[]> {
    return this.#do(
      "list",
      path,
      async (absolutePath) => {
        const children = await listChildren(this.#fs, { path, absolutePath, realAncestors: [] });
        return children.map(({ name, isFolder }) => ({ name, isFolder }));
      },
      "folder",
    );
  }

  async *walk(path: string): AsyncGenerator<FileInfo> {
    checkPath(path, "folder");
    try {
      yield* walkFolder(this.#fs, await this.#position(path));
    } catch (error) {
      throw this.#translate(error, "list", path);
    }
  }

  async move(from: string, to: string): Promise<void> {
    checkPath(to);
    await this.#do("rename", from, async (absolute) => {
      if (!(await this.#fs.stat(absolute)).isFile()) throw new PathNotFoundError(NAME, from);
      if (from !== to) await this.#changes.move(absolute, this.#absolute(to));
    });
  }

  async delete(path: string): Promise<void> {
    await this.#do("delete", path, async (absolute) => {
      try {
        await this.#fs.unlink(absolute);
      } catch (error) {
        throw notAFile(error, path);
      }
    });
  }

  getSync(path: string): Uint8Array | undefined {
    checkPath(path);
    try {
      return readSmallFile(this.#absolute(path));
    } catch (error) {
      throw this.#translate(error, "read", path);
    }
  }

  statFileSync(path: string): { sizeBytes: number; modifiedMs: number } | undefined {
    checkPath(path);
    try {
      return statSmallFile(this.#absolute(path));
    } catch (error) {
      throw this.#translate(error, "look at", path);
    }
  }

  async *scan(
    path: string,
    onFailure: (failure: ScanFailure) => void,
    asides: ScanAsides = {},
  ): AsyncGenerator<ScannedFile[]> {
    yield* this.#scan(path, { ...asides, onFailure, temporary: false });
  }

  async removeFolder(path: string): Promise<boolean> {
    if (checkPath(path, "folder") === "/") return false;
    return this.#do("remove the folder", path, async (absolute) => {
      try {
        await this.#fs.rmdir(absolute);
      } catch (error) {
        // EBUSY: something is mounted there.
        if (isMissing(error) || ["ENOTEMPTY", "EEXIST", "EBUSY"].includes(errorCode(error) ?? ""))
          return false;
        throw error;
      }
      this.#folders.syncer.forget(absolute);
      return true;
    });
  }

  async settleRemovals(folders: Iterable<string>): Promise<void> {
    await forEachConcurrently(folders, SYNCS_AT_ONCE, (folder) =>
      this.#do("sync", folder, (absolute) => this.#folders.syncer.syncNearest(absolute), "folder"),
    );
  }

  async putIfAbsent(path: string, content: Uint8Array): Promise<boolean> {
    return this.#do("create", path, (absolute) => this.#changes.createIfAbsent(absolute, content));
  }

  /**
   * The modification time that the file system gives to a new file. Where none can be made (no room, no root folder
   * yet), the clock of this host, which for a local disk is the same.
   */
  async now(): Promise<number> {
    try {
      await this.#fs.stat(this.location);
      const { file, temporaryPath } = await this.#changes.openTemporary(this.#absolute("/clock"));
      try {
        await file.write(new Uint8Array(1), 0);
        return (await file.stat()).mtimeMs;
      } finally {
        await file.close();
        await this.#changes.discard(temporaryPath);
      }
    } catch (error) {
      if (["ENOSPC", "EDQUOT", "ENOENT"].includes(errorCode(error) ?? "")) return Date.now();
      throw this.#translate(error, "create a probe file in", "/");
    }
  }

  async deleteMany(paths: readonly string[]): Promise<{ path: string; error: unknown }[]> {
    const failed: { path: string; error: unknown }[] = [];
    for (const [index, path] of paths.entries()) {
      if (index > 0 && index % DELETES_AT_ONCE === 0) await setImmediate();
      try {
        this.#fs.unlinkSync(this.#absolute(checkPath(path)));
      } catch (error) {
        if (!isMissing(error))
          failed.push({ path, error: this.#translate(notAFile(error, path), "delete", path) });
      }
    }
    return failed;
  }

  async sweepTemporaryFiles(path: string, beforeMs: number): Promise<number> {
    let removed = 0;
    for await (const batch of this.#scan(path, { onFailure: () => undefined, temporary: true })) {
      for (const file of batch) {
        const stat = this.statFileSync(file.path);
        if (stat === undefined || stat.modifiedMs >= beforeMs) continue;
        if ((await this.deleteMany([file.path])).length === 0) removed++;
      }
    }
    return removed;
  }

  async *#scan(path: string, options: Omit<ScanOptions, "translate">) {
    checkPath(path, "folder");
    const translate = (error: unknown, at: string) => this.#translate(error, "list", at);
    const absolutePath = this.#absolute(path);
    const real = await this.#fs.realpath(absolutePath).catch(() => absolutePath);
    yield* scanFolder({ path, absolutePath, realAncestors: [real] }, { ...options, translate });
  }

  async #position(path: string): Promise<WalkPosition> {
    const absolutePath = this.#absolute(path);
    return { path, absolutePath, realAncestors: [await this.#fs.realpath(absolutePath)] };
  }

  async #open(path: string): Promise<{ file: FsFile; stat: FsStat }> {
    return this.#do("read", path, async (absolute) => {
      const file = await this.#fs.open(absolute, "read");
      try {
        const stat = await file.stat();
        if (!stat.isFile()) throw new PathNotFoundError(NAME, path);
        return { file, stat };
      } catch (error) {
        await file.close();
        throw error;
      }
    });
  }

  /** Checks the path, and turns what goes wrong into our errors. */
  async #do<T>(
    operation: string,
    path: string,
    work: (absolutePath: string) => Promise<T>,
    what: "file" | "folder" = "file",
  ): Promise<T> {
    checkPath(path, what);
    try {
      return await work(this.#absolute(path));
    } catch (error) {
      throw this.#translate(error, operation, path);
    }
  }

  #absolute(path: string): string {
    if (path === "/") return this.location;
    return this.location === "/" ? path : this.location + path;
  }

  #translate(error: unknown, operation: string, path: string): unknown {
    return translateError(NAME, error, { operation, path, absolutePath: this.#absolute(path) });
  }
}

/** `unlink` of a folder: EISDIR on Linux, EPERM elsewhere. */
function notAFile(error: unknown, path: string): unknown {
  return errorCode(error) === "EISDIR" ? new PathNotFoundError(NAME, path, { cause: error }) : error;
}
