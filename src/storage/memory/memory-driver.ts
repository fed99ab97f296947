import { Readable } from "node:stream";
import { CancelledError, InvalidOffsetError, InvalidPathError, PathNotFoundError } from "../../errors.ts";
import type {
  BulkDelete,
  ChildName,
  ExclusiveCreate,
  NameListing,
  ScanAsides,
  ScanFailure,
  Scannable,
  ScannedFile,
  SettableTimes,
  SmallReads,
  StoreClock,
} from "../abilities.ts";
import { checkPath } from "../check-path.ts";
import type { FileInfo, FileWriter, ReadOptions, StorageDriver, WriterOptions } from "../driver.ts";
import { FileTooLargeError } from "../errors.ts";
import { isBehind, partBehind } from "../scan-after.ts";
import { FileTree, type MemoryFile } from "./file-tree.ts";
import { MemoryWriter } from "./memory-writer.ts";

const CHUNK_BYTES = 512 * 1024;
const SCAN_BATCH = 1000;

/** Keeps a registry in this process's memory (`inmemory`): for tests and for trying things out. */
export class MemoryDriver
  implements
    StorageDriver,
    NameListing,
    SmallReads,
    Scannable,
    ExclusiveCreate,
    StoreClock,
    BulkDelete,
    SettableTimes
{
  readonly name = "inmemory";
  readonly location = "memory";
  readonly #tree = new FileTree();

  async get(path: string, maxBytes = Number.POSITIVE_INFINITY): Promise<Uint8Array> {
    const { bytes } = this.#file(path);
    if (bytes.length > maxBytes) throw new FileTooLargeError(this.name, path, bytes.length, maxBytes);
    return bytes.slice();
  }

  async put(path: string, content: Uint8Array): Promise<void> {
    this.#store(checkPath(path), content.slice());
  }

  async read(path: string, options: ReadOptions = {}): Promise<Readable> {
    const { bytes } = this.#file(path);
    const { offset = 0, lengthBytes = Number.POSITIVE_INFINITY, signal } = options;
    if (signal?.aborted) throw new CancelledError();
    if (!Number.isSafeInteger(offset) || offset < 0 || offset > bytes.length) {
      throw new InvalidOffsetError(this.name, path, offset);
    }
    return Readable.from(chunksOf(bytes.subarray(offset, offset + lengthBytes), signal), {
      objectMode: false,
    });
  }

  async openWriter(path: string, options: WriterOptions = {}): Promise<FileWriter> {
    checkPath(path);
    if (options.signal?.aborted) throw new CancelledError();
    const present = this.#tree.find(path);
    if (present === "folder") throw inTheWay(path, path);
    const target = {
      store: (bytes: Uint8Array) => this.#store(path, bytes),
      remove: () => void this.#tree.remove(path),
    };
    return new MemoryWriter(target, options.append && present ? present.bytes : new Uint8Array(), options);
  }

  async stat(path: string): Promise<FileInfo> {
    const found = this.#tree.find(checkPath(path, "folder"));
    if (found === undefined) throw new PathNotFoundError(this.name, path);
    return info(path, found === "folder" ? undefined : found);
  }

  async list(path: string): Promise<FileInfo[]> {
    const children = this.#tree.children(checkPath(path, "folder"));
    if (children === undefined) throw new PathNotFoundError(this.name, path);
    return children.map((child) => info(child.path, child.file));
  }

  async listNames(path: string): Promise<ChildName[]> {
    const children = this.#tree.children(checkPath(path, "folder"));
    if (children === undefined) throw new PathNotFoundError(this.name, path);
    return children.map((child) => ({
      name: child.path.slice(child.path.lastIndexOf("/") + 1),
      isFolder: child.file === undefined,
    }));
  }

  async *walk(path: string): AsyncGenerator<FileInfo> {
    const children = this.#tree.children(checkPath(path, "folder"));
    if (children === undefined) throw new PathNotFoundError(this.name, path);
    yield* this.#below(path);
  }

  async move(from: string, to: string): Promise<void> {
    checkPath(to);
    const file = this.#file(from);
    if (from === to) return;
    const obstacle = this.#tree.set(to, file);
    if (obstacle !== undefined) throw inTheWay(to, obstacle);
    this.#tree.remove(from);
  }

  async delete(path: string): Promise<void> {
    if (!this.#tree.remove(checkPath(path))) throw new PathNotFoundError(this.name, path);
  }

  getSync(path: string, maxBytes = Number.POSITIVE_INFINITY): Uint8Array | undefined {
    const found = this.#tree.find(checkPath(path));
    if (found === undefined || found === "folder") return undefined;
    const { length } = found.bytes;
    if (length > maxBytes) throw new FileTooLargeError(this.name, path, length, maxBytes);
    return found.bytes.slice();
  }

  statFileSync(path: string): { sizeBytes: number; modifiedMs: number } | undefined {
    const found = this.#tree.find(checkPath(path));
    if (found === undefined || found === "folder") return undefined;
    return { sizeBytes: found.bytes.length, modifiedMs: found.modifiedMs };
  }

  async *scan(
    path: string,
    _onFailure?: (failure: ScanFailure) => void,
    { after }: ScanAsides = {},
  ): AsyncGenerator<ScannedFile[]> {
    checkPath(path, "folder");
    let batch: ScannedFile[] = [];
    for (const { path: file, sizeBytes, modifiedMs } of this.#below(path, after)) {
      batch.push({ path: file, sizeBytes, modifiedMs });
      if (batch.length < SCAN_BATCH) continue;
      yield batch;
      batch = [];
    }
    if (batch.length > 0) yield batch;
  }

  async putIfAbsent(path: string, content: Uint8Array): Promise<boolean> {
    if (this.#tree.find(checkPath(path)) !== undefined) return false;
    this.#store(path, content.slice());
    return true;
  }

  async setModified(path: string, modifiedMs: number): Promise<void> {
    this.#tree.set(path, { bytes: this.#file(path).bytes, modifiedMs });
  }

  async now(): Promise<number> {
    return Date.now();
  }

  async deleteMany(paths: readonly string[]): Promise<{ path: string; error: unknown }[]> {
    const failed: { path: string; error: unknown }[] = [];
    for (const path of paths) {
      if (this.#tree.find(checkPath(path)) === "folder") {
        failed.push({ path, error: new PathNotFoundError(this.name, path) });
      } else {
        this.#tree.remove(path);
      }
    }
    return failed;
  }

  #file(path: string): MemoryFile {
    const found = this.#tree.find(checkPath(path));
    if (found === undefined || found === "folder") throw new PathNotFoundError(this.name, path);
    return found;
  }

  #store(path: string, bytes: Uint8Array): void {
    const obstacle = this.#tree.set(path, { bytes, modifiedMs: Date.now() });
    if (obstacle !== undefined) throw inTheWay(path, obstacle);
  }

  *#below(path: string, after?: string): Generator<FileInfo> {
    if (partBehind(path, after) === "none") return;
    for (const child of this.#tree.children(path) ?? []) {
      if (!child.file) yield* this.#below(child.path, after);
      else if (isBehind(child.path, after)) yield info(child.path, child.file);
    }
  }
}

function info(path: string, file: MemoryFile | undefined): FileInfo {
  if (file === undefined) return { path, sizeBytes: 0, modifiedMs: 0, isFolder: true };
  return { path, sizeBytes: file.bytes.length, modifiedMs: file.modifiedMs, isFolder: false };
}

function inTheWay(path: string, obstacle: string): InvalidPathError {
  return new InvalidPathError(
    path,
    obstacle === path ? "a folder is at this path" : `${obstacle} is a file, not a folder`,
  );
}

async function* chunksOf(bytes: Uint8Array, signal: AbortSignal | undefined): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += CHUNK_BYTES) {
    if (signal?.aborted) throw new CancelledError();
    yield bytes.slice(at, at + CHUNK_BYTES);
  }
}
