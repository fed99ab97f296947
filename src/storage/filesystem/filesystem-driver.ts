import { resolve } from "node:path";
import type { Readable } from "node:stream";
import { CancelledError, InvalidOffsetError, PathNotFoundError } from "../../errors.ts";
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
  SettableTimes,
  SmallReads,
  SpaceLeft,
  StoreClock,
  SynchronousFolders,
  TemporaryFiles,
} from "../abilities.ts";
import { checkPath } from "../check-path.ts";
import type { FileInfo, FileWriter, ReadOptions, StorageDriver, WriterOptions } from "../driver.ts";
import { FileTooLargeError } from "../errors.ts";
import type { Naming, SecondName } from "../naming-abilities.ts";
import { BulkWork } from "./bulk-work.ts";
import { DurableChanges } from "./durable-changes.ts";
import { FileStream } from "./file-stream.ts";
import { FilesystemWriter } from "./filesystem-writer.ts";
import { Folders } from "./folders.ts";
import { type FsOperations, nodeFs } from "./fs-operations.ts";
import { NameWork } from "./name-work.ts";
import { openedFile } from "./opened-file.ts";
import { roomAt } from "./room.ts";
import { readSmallFile } from "./small-reads.ts";
import { DRIVER_NAME, StoreFolder } from "./store-folder.ts";
import { timeOf } from "./store-time.ts";
import { isFolderInUse, notAFile } from "./translate-error.ts";
import { fileInfo, listChildren, listFolder, walkFolder } from "./walk-folder.ts";

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
    SynchronousFolders,
    EmptyFolders,
    DurableRemovals,
    ExclusiveCreate,
    StoreClock,
    BulkDelete,
    TemporaryFiles,
    SettableTimes,
    SpaceLeft,
    Naming
{
  readonly name = DRIVER_NAME;
  readonly location: string;
  readonly #store: StoreFolder;
  readonly #changes: DurableChanges;
  readonly #folders: Folders;
  readonly #bulk: BulkWork;
  readonly #names: NameWork;

  constructor(options: FilesystemOptions) {
    this.location = resolve(options.rootDirectory);
    const fs = options.fs ?? nodeFs;
    this.#store = new StoreFolder(fs, this.location);
    this.#folders = new Folders(fs, this.location);
    this.#changes = new DurableChanges(fs, this.#folders);
    this.#bulk = new BulkWork(this.#store, this.#folders.syncer);
    this.#names = new NameWork(this.#store, this.#folders);
  }

  async get(path: string, maxBytes = Number.POSITIVE_INFINITY): Promise<Uint8Array> {
    const { file, stat } = await this.#store.open(path);
    try {
      if (stat.size > maxBytes) throw new FileTooLargeError(this.name, path, stat.size, maxBytes);
      const content = new Uint8Array(stat.size);
      let filled = 0;
      while (filled < content.length) {
        const bytesRead = await file.read(content.subarray(filled), filled);
        if (bytesRead === 0) break;
        filled += bytesRead;
      }
      return content.subarray(0, filled);
    } catch (error) {
      throw this.#store.translate(error, "read", path);
    } finally {
      await file.close();
    }
  }

  async put(path: string, content: Uint8Array): Promise<void> {
    await this.#store.run("write", path, (absolute) => this.#changes.replace(absolute, content));
  }

  async read(path: string, options: ReadOptions = {}): Promise<Readable> {
    const { offset = 0, lengthBytes = Number.POSITIVE_INFINITY, signal } = options;
    if (signal?.aborted) throw new CancelledError();
    const { file, stat } = await this.#store.open(path);
    if (!Number.isSafeInteger(offset) || offset < 0 || offset > stat.size) {
      await file.close();
      throw new InvalidOffsetError(DRIVER_NAME, path, offset);
    }
    const range = { offset, lengthBytes: Math.min(lengthBytes, stat.size - offset) };
    return new FileStream(file, range, (error) => this.#store.translate(error, "read", path), signal);
  }

  async openFile(path: string): Promise<OpenedFile> {
    const { file, stat } = await this.#store.open(path);
    return openedFile(file, stat, (error) => this.#store.translate(error, "read", path));
  }

  async openWriter(path: string, options: WriterOptions = {}): Promise<FileWriter> {
    const { append = false, signal } = options;
    if (signal?.aborted) throw new CancelledError();
    const changes = this.#changes;
    const translate = (error: unknown) => this.#store.translate(error, "write", path);
    return this.#store.run("write", path, async (absolute) => {
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
    return this.#store.run(
      "look at",
      path,
      async (absolute) => fileInfo(path, await this.#store.fs.stat(absolute)),
      "folder",
    );
  }

  async list(path: string): Promise<FileInfo[]> {
    return this.#store.run(
      "list",
      path,
      async () =>
        (await listFolder(this.#store.fs, await this.#store.position(path))).map((each) => each.info),
      "folder",
    );
  }

  async listNames(path: string): Promise<ChildName[]> {
    return this.#store.run(
      "list",
      path,
      async (absolutePath) => {
        const children = await listChildren(this.#store.fs, { path, absolutePath, realAncestors: [] });
        return children.map(({ name, isFolder }) => ({ name, isFolder }));
      },
      "folder",
    );
  }

  async *walk(path: string): AsyncGenerator<FileInfo> {
    checkPath(path, "folder");
    try {
      yield* walkFolder(this.#store.fs, await this.#store.position(path));
    } catch (error) {
      throw this.#store.translate(error, "list", path);
    }
  }

  async move(from: string, to: string): Promise<void> {
    checkPath(to);
    await this.#store.run("rename", from, async (absolute) => {
      if (!(await this.#store.fs.stat(absolute)).isFile()) throw new PathNotFoundError(DRIVER_NAME, from);
      if (from !== to) await this.#changes.move(absolute, this.#store.absolute(to));
    });
  }

  async delete(path: string): Promise<void> {
    await this.#store.run("delete", path, async (absolute) => {
      try {
        await this.#store.fs.unlink(absolute);
      } catch (error) {
        throw notAFile(DRIVER_NAME, error, path);
      }
    });
  }

  getSync(path: string, maxBytes = Number.POSITIVE_INFINITY): Uint8Array | undefined {
    checkPath(path);
    try {
      return readSmallFile(
        this.#store.absolute(path),
        maxBytes,
        (sizeBytes) => new FileTooLargeError(DRIVER_NAME, path, sizeBytes, maxBytes),
      );
    } catch (error) {
      throw this.#store.translate(error, "read", path);
    }
  }

  statFileSync(path: string): { sizeBytes: number; modifiedMs: number } | undefined {
    return this.#store.statFileSync(path);
  }

  scan(
    path: string,
    onFailure: (failure: ScanFailure) => void,
    asides?: ScanAsides,
  ): AsyncIterable<ScannedFile[]> {
    return this.#bulk.scan(path, onFailure, asides);
  }

  scanDownTo(
    path: string,
    isLeaf: (path: string) => boolean,
    onFailure: (failure: ScanFailure) => void,
    asides?: ScanAsides,
  ): AsyncIterable<ScannedFile[]> {
    return this.#bulk.scanDownTo(path, isLeaf, onFailure, asides);
  }

  listNamesSync(path: string): string[] | undefined {
    return this.#bulk.listNamesSync(path);
  }

  deleteFileSync(path: string): boolean {
    return this.#bulk.deleteFileSync(path);
  }

  removeFolderSync(path: string): boolean {
    return this.#bulk.removeFolderSync(path);
  }

  async removeFolder(path: string): Promise<boolean> {
    if (checkPath(path, "folder") === "/") return false;
    return this.#store.run("remove the folder", path, async (absolute) => {
      try {
        await this.#store.fs.rmdir(absolute);
      } catch (error) {
        if (isFolderInUse(error)) return false;
        throw error;
      }
      this.#folders.syncer.forget(absolute);
      return true;
    });
  }

  settleRemovals(folders: Iterable<string>): Promise<void> {
    return this.#bulk.settleRemovals(folders);
  }

  async putIfAbsent(path: string, content: Uint8Array): Promise<boolean> {
    return this.#store.run("create", path, (absolute) => this.#changes.createIfAbsent(absolute, content));
  }

  async setModified(path: string, modifiedMs: number): Promise<void> {
    await this.#store.run("change the time of", path, async (absolute) => {
      if (!(await this.#store.fs.stat(absolute)).isFile()) throw new PathNotFoundError(DRIVER_NAME, path);
      await this.#store.fs.setModified(absolute, modifiedMs);
    });
  }

  spaceLeft(path = "/"): Promise<{ bytes: number; files: number | undefined }> {
    return this.#store.run(
      "tell the room at",
      path,
      (absolute) => roomAt(this.#store.fs, absolute),
      "folder",
    );
  }

  linkFiles(files: readonly SecondName[]): Promise<SecondName[]> {
    return this.#names.linkFiles(files);
  }

  moveFolder(from: string, to: string): Promise<boolean> {
    return this.#names.moveFolder(from, to);
  }

  settleNames(folders: Iterable<string>): Promise<void> {
    return this.#names.settleNames(folders);
  }

  now(): Promise<number> {
    return timeOf(this.#store, this.#changes);
  }

  deleteMany(paths: readonly string[]): Promise<{ path: string; error: unknown }[]> {
    return this.#bulk.deleteMany(paths);
  }

  sweepTemporaryFiles(path: string, beforeMs: number): Promise<number> {
    return this.#bulk.sweepTemporaryFiles(path, beforeMs);
  }
}
