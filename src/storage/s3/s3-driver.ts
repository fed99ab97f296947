import type { Readable } from "node:stream";
import { StorageUnavailableError } from "../../errors.ts";
import type {
  BulkDelete,
  ChildName,
  CopiesFrom,
  ExclusiveCreate,
  FileLookup,
  NameListing,
  ScanAsides,
  ScanFailure,
  Scannable,
  ScannedFile,
  StoreClock,
} from "../abilities.ts";
import { checkPath } from "../check-path.ts";
import type { FileInfo, FileWriter, ReadOptions, StorageDriver, WriterOptions } from "../driver.ts";
import { innermostDriver } from "../innermost-driver.ts";
import type {
  BusyAnswers,
  CopyingMoves,
  FileBefore,
  KeptVersions,
  PresignedReads,
  ReachabilityCheck,
  RequestCounts,
  UndecidedChanges,
  UndecidedListener,
  UnfinishedAmount,
  UnfinishedFile,
  UnfinishedWrites,
  VersionedFiles,
  WritesOver,
} from "../object-store-abilities.ts";
import { callS3, folderPrefix } from "./s3-call.ts";
import { PutConditions } from "./s3-conditions.ts";
import { moveObject } from "./s3-copy.ts";
import { CopiesFromStores } from "./s3-copy-from.ts";
import { deleteObject, deleteObjects, type FailedDelete } from "./s3-delete.ts";
import { listFolder, listPage, walkFolder } from "./s3-listing.ts";
import { ExclusiveObjects } from "./s3-lock.ts";
import { ReadSigner } from "./s3-presign.ts";
import { putObject } from "./s3-put.ts";
import { putOver } from "./s3-put-over.ts";
import { checkReachable } from "./s3-reachability.ts";
import { fileInfo, getObject, headObject, openObject, statPath } from "./s3-reads.ts";
import { scanFolder } from "./s3-scan.ts";
import type { S3Store } from "./s3-store.ts";
import { keptVersions } from "./s3-versions.ts";
import { openS3Writer } from "./writers/open-writer.ts";
import {
  abandonUnfinished,
  listUnfinished,
  unfinishedAmount,
  unfinishedBytes,
} from "./writers/unfinished.ts";

/**
 * Keeps a registry in a bucket, under the keys of the Go registry: the root directory, and the path without its leading
 * slash. There are no folders; objects that stand for some (their keys end in `/`) are shown by no listing and never
 * removed. Times are in full seconds. What S3 refuses in passing has been tried again before any method rejects.
 */
export class S3Driver
  implements
    StorageDriver,
    Scannable,
    NameListing,
    BulkDelete,
    ExclusiveCreate,
    StoreClock,
    FileLookup,
    PresignedReads,
    UnfinishedWrites,
    CopyingMoves,
    RequestCounts,
    BusyAnswers,
    VersionedFiles,
    ReachabilityCheck,
    CopiesFrom,
    UndecidedChanges,
    WritesOver
{
  readonly name = "s3";
  readonly location: string;
  readonly movesByCopying = true;
  readonly requests: Readonly<Record<string, number>>;
  readonly busyAnswers: { readonly count: number };
  readonly #store: S3Store;
  readonly #conditions: PutConditions;
  readonly #exclusive: ExclusiveObjects;
  readonly #signer: ReadSigner;
  readonly #copies: CopiesFromStores;
  readonly #undecidedListeners = new Set<UndecidedListener>();

  constructor(store: S3Store) {
    this.#store = store;
    this.location = store.location;
    this.requests = store.lane.requests;
    this.busyAnswers = store.busyAnswers;
    this.#conditions = new PutConditions(store);
    this.#exclusive = new ExclusiveObjects(store, this.#conditions);
    this.#signer = new ReadSigner(store);
    this.#copies = new CopiesFromStores(store);
  }

  async get(path: string, maxBytes?: number): Promise<Uint8Array> {
    return getObject(this.#store, checkPath(path), maxBytes);
  }

  async put(path: string, content: Uint8Array): Promise<void> {
    checkPath(path);
    const onUnanswered = (): void => this.#tellUndecided(path);
    await callS3(this.#store, "write", path, () => putObject(this.#store, path, content, { onUnanswered }));
  }

  async putOver(path: string, content: Uint8Array): Promise<void> {
    const onUndecided = (over?: FileBefore): void => this.#tellUndecided(path, over);
    await putOver(this.#store, this.#conditions, { path: checkPath(path), content, onUndecided });
  }

  async read(path: string, options: ReadOptions = {}): Promise<Readable> {
    return openObject(this.#store, checkPath(path), options);
  }

  async openWriter(path: string, options: WriterOptions = {}): Promise<FileWriter> {
    return openS3Writer(this.#store, checkPath(path), options);
  }

  async stat(path: string): Promise<FileInfo> {
    return statPath(this.#store, checkPath(path, "folder"));
  }

  async statFile(path: string): Promise<FileInfo | undefined> {
    const head = await headObject(this.#store, checkPath(path));
    return head && fileInfo(head);
  }

  async list(path: string): Promise<FileInfo[]> {
    return listFolder(this.#store, checkPath(path, "folder"));
  }

  async listNames(path: string): Promise<ChildName[]> {
    const children = await this.list(path);
    return children.map((child) => ({
      name: child.path.slice(child.path.lastIndexOf("/") + 1),
      isFolder: child.isFolder,
    }));
  }

  async *walk(path: string): AsyncGenerator<FileInfo> {
    yield* walkFolder(this.#store, checkPath(path, "folder"));
  }

  async *scan(
    path: string,
    onFailure: (failure: ScanFailure) => void,
    asides?: ScanAsides,
  ): AsyncGenerator<ScannedFile[]> {
    yield* scanFolder(this.#store, checkPath(path, "folder"), onFailure, asides);
  }

  async move(from: string, to: string, contentTag?: string): Promise<void> {
    await moveObject(this.#store, checkPath(from), checkPath(to), contentTag);
  }

  async copyFrom(other: StorageDriver, from: string, to: string, sizeBytes: number): Promise<boolean> {
    const source = innermostDriver(other);
    checkPath(from);
    checkPath(to);
    return source instanceof S3Driver && (await this.#copies.copy(source.#store, from, to, sizeBytes));
  }

  async delete(path: string): Promise<void> {
    await deleteObject(this.#store, checkPath(path), () => this.#tellUndecided(path));
  }

  async deleteMany(paths: readonly string[], onUndecided?: (path: string) => void): Promise<FailedDelete[]> {
    return deleteObjects(this.#store, paths, (path) => {
      onUndecided?.(path);
      this.#tellUndecided(path);
    });
  }

  watchUndecided(listener: UndecidedListener): () => void {
    // Another one each time, so that the same listener may be given twice.
    const own: UndecidedListener = (path, over) => listener(path, over);
    this.#undecidedListeners.add(own);
    return () => void this.#undecidedListeners.delete(own);
  }

  async putIfAbsent(path: string, content: Uint8Array): Promise<boolean> {
    return this.#exclusive.putIfAbsent(checkPath(path), content);
  }

  async now(): Promise<number> {
    const prefix = folderPrefix(this.#store, "/");
    const { dateMs } = await callS3(this.#store, "list", "/", () =>
      listPage(this.#store, { prefix, maxKeys: 1 }),
    );
    if (Number.isNaN(dateMs)) throw new StorageUnavailableError("s3: the store does not tell its time");
    return dateMs;
  }

  async presignRead(path: string, expiresMs: number): Promise<string> {
    return this.#signer.presign(checkPath(path), expiresMs);
  }

  async unfinishedBytes(path: string): Promise<number | undefined> {
    return unfinishedBytes(this.#store, checkPath(path));
  }

  async unfinishedAmount(path: string): Promise<UnfinishedAmount | undefined> {
    return unfinishedAmount(this.#store, checkPath(path));
  }

  async abandonUnfinished(path: string, startedBeforeMs?: number): Promise<void> {
    await abandonUnfinished(this.#store, checkPath(path), startedBeforeMs);
  }

  async *listUnfinished(path: string): AsyncGenerator<UnfinishedFile> {
    yield* listUnfinished(this.#store, checkPath(path, "folder"));
  }

  async keptVersions(limit: number): Promise<KeptVersions> {
    return keptVersions(this.#store, limit);
  }

  async checkReachable(readOnly: boolean): Promise<void> {
    await checkReachable(this.#store, readOnly);
  }

  #tellUndecided(path: string, over?: FileBefore): void {
    for (const listener of this.#undecidedListeners) listener(path, over);
  }
}
