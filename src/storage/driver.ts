import type { Readable } from "node:stream";

/** What a store says of one file or folder. */
export interface FileInfo {
  /** Absolute path in the store. */
  path: string;
  /** Bytes; 0 for a folder. */
  sizeBytes: number;
  /** Milliseconds since 1970, by the store's clock. For a folder of an object store: 0. */
  modifiedMs: number;
  isFolder: boolean;
}

/** Options of {@link StorageDriver.read}. */
export interface ReadOptions {
  /** First byte, 0 to the size of the file (then the stream is empty). Default 0. */
  offset?: number;
  /** How many bytes at the most. Default: to the end. */
  lengthBytes?: number;
  /** What a writer has called the file that is meant, where it told: any other is not read. */
  contentTag?: string | undefined;
  signal?: AbortSignal;
}

/** Options of {@link StorageDriver.openWriter}. */
export interface WriterOptions {
  /**
   * false (the default): the new content replaces the path atomically at `commit`, and nothing is visible before.
   * true: goes on behind what an earlier writer of the path left at `close`, or starts the file. What readers of the
   * path see before `commit` is undefined; so only paths that nobody reads before (uploads) are written this way.
   */
  append?: boolean;
  /** How many bytes will come, as far as that is known: a hint how to store them, and no bound. */
  expectedBytes?: number | undefined;
  signal?: AbortSignal;
}

/**
 * Writes one file in order. One writer per path at a time, else the result is undefined. Exactly one of `commit`,
 * `cancel` and `close` ends it; each may be called again without effect.
 */
export interface FileWriter {
  /** Bytes in the file so far, those of earlier writers included. */
  readonly sizeBytes: number;
  /**
   * Where writers of several hosts cannot be kept apart: what tells the stored bytes from any others of the same size, as
   * they were when the writer was opened, or has been closed or committed. Empty if there are none, undefined if the store does not tell.
   */
  readonly contentTag?: string | undefined;
  /**
   * Appends `chunk`; resolves when the writer can take more. The bytes may be changed by the caller afterwards.
   * @throws {StorageFullError} if there is no room; the writer can only be cancelled or closed then
   */
  write(chunk: Uint8Array): Promise<void>;
  /**
   * Where a move copies: all bytes of the file, if they are so few that they are better put where they belong than
   * committed and moved. Good until the writer is ended, which is to be cancelled then. Undefined for larger files.
   */
  wholeContent?(): Promise<Uint8Array | undefined>;
  /** Makes all bytes durable and the file complete and visible. */
  commit(): Promise<void>;
  /** Removes what was written, those of earlier writers included. */
  cancel(): Promise<void>;
  /** Leaves the bytes for a later writer with `append`. A writer without `append` is cancelled. */
  close(): Promise<void>;
}

/**
 * Where a registry's files are. Paths are absolute, `/`-separated and checked by `checkPath` before a driver
 * sees them; content is bytes. Every method rejects with {@link StorageUnavailableError} when the store does not
 * answer or denies access, {@link StorageFullError} when it has no room, {@link InvalidPathError} for a bad path.
 *
 * **Order.** `list` and `walk` give the byte order of full keys, where a folder sorts as its name plus `/`
 * (`a-b` before `a/x` before `a0`), so that listings of different drivers can be merged.
 *
 * **Folders** exist on a filesystem and are implied by keys on an object store; `put`, `move` and writers make them.
 * See {@link EmptyFolders}.
 */
export interface StorageDriver {
  /** Short name (`filesystem`), put into every error. */
  readonly name: string;
  /** Where it stores, for people: a folder, `s3://bucket/prefix`. No credentials. */
  readonly location: string;
  /**
   * Reads a whole small file.
   * @param maxBytes - a larger file is not read; without limit by default
   * @throws {PathNotFoundError} if there is none, or it is a folder
   * @throws {FileTooLargeError}
   */
  get(path: string, maxBytes?: number): Promise<Uint8Array>;
  /** Writes a whole small file, atomically; durable when it resolves. Replaces an existing file. */
  put(path: string, content: Uint8Array): Promise<void>;
  /**
   * Opens a file for streaming; resolves when it is known to exist.
   * @throws {PathNotFoundError}
   * @throws {InvalidOffsetError} if `offset` is negative or beyond the end
   */
  read(path: string, options?: ReadOptions): Promise<Readable>;
  openWriter(path: string, options?: WriterOptions): Promise<FileWriter>;
  /** @throws {PathNotFoundError} if neither a file nor a folder is there */
  stat(path: string): Promise<FileInfo>;
  /**
   * The direct children of a folder, in order. Temporary files of the driver are left out.
   * @throws {PathNotFoundError} if the folder does not exist (an object store: no key below it)
   */
  list(path: string): Promise<FileInfo[]>;
  /**
   * All files (no folders) below a folder, at any depth, in order. Files that come or go meanwhile may be given or
   * not. Ending the iteration early frees everything.
   * @throws {PathNotFoundError} at the first step, if the folder does not exist
   */
  walk(path: string): AsyncIterable<FileInfo>;
  /**
   * Renames a file; atomic, durable when it resolves; replaces an existing target.
   * @param contentTag - what a writer has called the file that is meant, where it told: any other is not moved
   * @throws {PathNotFoundError} if `from` is no file
   */
  move(from: string, to: string, contentTag?: string): Promise<void>;
  /**
   * Removes exactly one file, never a folder or anything below.
   * @throws {PathNotFoundError} if there is no file
   */
  delete(path: string): Promise<void>;
}
