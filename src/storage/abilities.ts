import type { StorageSettings } from "../config/settings.ts";
import type { FileInfo, StorageDriver } from "./driver.ts";

/*
 * What some drivers can do beside the contract. A wrapper passes an ability on only if what it wraps has it; ask with
 * the guard, never by the driver's name.
 */

/** One file of a bulk scan. Size and time are given only where the listing brings them for nothing. */
export interface ScannedFile {
  path: string;
  sizeBytes?: number;
  modifiedMs?: number;
  /**
   * The MD5 of the content, 32 lower-case hex digits; only if {@link ScanAsides.wantsMd5} asks for it, and only where the
   * listing brings it for nothing. A store may be wrong about it, as one that encrypts without telling: a difference
   * is a reason to read the content, never a finding.
   */
  contentMd5?: string;
}

/** A folder that a scan could not list; the rest of the scan goes on. */
export interface ScanFailure {
  path: string;
  error: unknown;
}

/** What a scan is to leave out, and what it tells of beside the files, where the store has such things. */
export interface ScanAsides {
  /**
   * Only files whose path stands behind this one in the order of {@link StorageDriver.walk} are given, and what lies
   * wholly before it is not listed at all. It is the path of a file, which need not be there; for
   * {@link SynchronousFolders.scanDownTo} it may also be a folder that was given, with the `/` at its end.
   */
  after?: string | undefined;
  /** Whether {@link ScannedFile.contentMd5} is of use to the caller. */
  wantsMd5?: boolean | undefined;
  /** No request beyond those of a listing page after page is worth the time that it would save. */
  sparesRequests?: boolean | undefined;
  /** Called for each folder below the given one that has nothing in it. */
  onEmptyFolder?: ((path: string) => void) | undefined;
  /** Called for each file that {@link TemporaryFiles.sweepTemporaryFiles} may remove. */
  onTemporaryFile?: ((path: string) => void) | undefined;
  /** Called with the key of each object that stands for a folder: it ends in `/`, and no listing shows it. */
  onFolderMarker?: ((key: string) => void) | undefined;
}

/** Lists everything below a folder as fast as the store can. May block the event loop: never used inside `serve`. */
export interface Scannable {
  /**
   * All files below `path` in the order of {@link StorageDriver.walk}, in batches of any size. If `path` itself is
   * missing there are none. A folder below it that cannot be listed, has vanished meanwhile or is a link that leads
   * nowhere is reported by `onFailure` and left out.
   */
  scan(
    path: string,
    onFailure: (failure: ScanFailure) => void,
    asides?: ScanAsides,
  ): AsyncIterable<ScannedFile[]>;
}

/**
 * Folders that are read and changed synchronously. Costs a third of the same with promises, and blocks: for worker
 * threads and commands, never used inside `serve`.
 */
export interface SynchronousFolders {
  /**
   * As {@link Scannable.scan}, but folders whose path `isLeaf` are not looked into: such a folder is given in the place
   * of its first file, with a `/` at the end of its path.
   */
  scanDownTo(
    path: string,
    isLeaf: (path: string) => boolean,
    onFailure: (failure: ScanFailure) => void,
    asides?: ScanAsides,
  ): AsyncIterable<ScannedFile[]>;
  /**
   * @returns the names of the direct children, files and folders alike, in any order and without temporary files;
   *   undefined if there is no such folder
   * @throws {StorageUnavailableError}
   */
  listNamesSync(path: string): string[] | undefined;
  /**
   * Removes exactly one file.
   *
   * @returns false if there was none
   * @throws {StorageUnavailableError}
   */
  deleteFileSync(path: string): boolean;
  /** As {@link EmptyFolders.removeFolder}. */
  removeFolderSync(path: string): boolean;
}

/** Can be opened once more in another thread. */
export interface Reopenable {
  /** What `openDriver` was called with. */
  readonly openedWith: { settings: StorageSettings; readOnly: boolean };
}

/** One child of a folder by its name alone. */
export interface ChildName {
  name: string;
  isFolder: boolean;
}

/** Lists a folder without looking at what is in it, where {@link StorageDriver.list} costs a request for each child. */
export interface NameListing {
  /**
   * @returns the direct children in the order of `list`, without temporary files
   * @throws {PathNotFoundError} if there is no such folder
   */
  listNames(path: string): Promise<ChildName[]>;
}

/** Reads of small files that are cheap enough to be done synchronously, links and manifests above all. */
export interface SmallReads {
  /**
   * @param maxBytes - a larger file is not read; without limit by default
   * @returns the bytes, or undefined if there is no such file
   * @throws {FileTooLargeError}
   * @throws {StorageUnavailableError}
   */
  getSync(path: string, maxBytes?: number): Uint8Array | undefined;
  /**
   * @returns what `stat` gives for a file, or undefined if there is no such file
   * @throws {StorageUnavailableError}
   */
  statFileSync(path: string): { sizeBytes: number; modifiedMs: number } | undefined;
}

/** Removes many files with few requests. */
export interface BulkDelete {
  /**
   * @param onUndecided - told of each path whose removal the store may still carry out when this has resolved, whatever
   *   the result says of it: a request got no answer. Never called where files are removed without requests
   * @returns for each path that could not be removed why; a path that is already gone is a success
   */
  deleteMany(
    paths: readonly string[],
    onUndecided?: (path: string) => void,
  ): Promise<{ path: string; error: unknown }[]>;
}

/** A store whose folders stay behind when they are empty. */
export interface EmptyFolders {
  /** Removes a folder if nothing is in it. @returns false if it is not empty or not there */
  removeFolder(path: string): Promise<boolean>;
}

/** A store where what was removed may come back with a power cut. */
export interface DurableRemovals {
  /**
   * Makes what has been removed from folders stay removed.
   *
   * @param folders - in the place of one that is gone itself stands the nearest one above it
   * @throws {StorageUnavailableError}
   */
  settleRemovals(folders: Iterable<string>): Promise<void>;
}

/** Creates a file only if there is none, which a lock needs. */
export interface ExclusiveCreate {
  /** @returns false, with nothing changed, if the file is already there. Durable when it resolves with true. */
  putIfAbsent(path: string, content: Uint8Array): Promise<boolean>;
}

/** Tells the store's own time, against which modification times are to be measured. */
export interface StoreClock {
  /** @returns milliseconds since 1970 by the store's clock */
  now(): Promise<number>;
}

/** One open file of a store, read piece by piece into memory of the caller. */
export interface OpenedFile {
  readonly sizeBytes: number;
  readonly modifiedMs: number;
  /**
   * Fills `buffer` from byte `position` of the file on.
   *
   * @returns how many bytes; fewer than the buffer holds only at the end of the file, 0 behind it
   * @throws {StorageUnavailableError}
   */
  read(buffer: Uint8Array, position: number): Promise<number>;
  /** May be called again without effect. */
  close(): Promise<void>;
}

/** Reads large files into reused buffers, without a stream in between. */
export interface FastReads {
  /**
   * @throws {PathNotFoundError} if there is none, or it is a folder
   */
  openFile(path: string): Promise<OpenedFile>;
}

/** Leaves temporary files behind when its process dies; they are shown by no listing. */
export interface TemporaryFiles {
  /**
   * Removes the temporary files below a folder that were last changed before `beforeMs` (by the store's clock), which
   * must be so long ago that no writer can still be at work. Folders that cannot be listed are left out.
   *
   * @returns how many were removed
   */
  sweepTemporaryFiles(path: string, beforeMs: number): Promise<number>;
}

/** Looks at a file alone, where {@link StorageDriver.stat} costs a second request to tell of a folder. */
export interface FileLookup {
  /** @returns undefined if there is no such file, whether there is a folder or not */
  statFile(path: string): Promise<FileInfo | undefined>;
}

/** A store in which a file can be given the time that it had elsewhere. */
export interface SettableTimes {
  /**
   * Makes `stat` and every listing give this time for a file, or one less than a microsecond behind it, until it is written
   * again. A power cut may undo it.
   *
   * @param modifiedMs - milliseconds since 1970
   * @throws {PathNotFoundError} if there is no such file
   */
  setModified(path: string, modifiedMs: number): Promise<void>;
}

/** Copies files of another store without their bytes passing through this process. */
export interface CopiesFrom {
  /**
   * Copies one file inside the service that holds both stores. What stood at `to` is replaced, as by `put`.
   *
   * @param other - the store that has the file; wrappers around it do no harm
   * @param from - its path there
   * @param to - its path here
   * @param sizeBytes - as the other store's listing tells it
   * @returns false, with nothing done: the two do not lie in one service, or it refuses to copy between them
   * @throws {PathNotFoundError} if the other store has no such file
   */
  copyFrom(other: StorageDriver, from: string, to: string, sizeBytes: number): Promise<boolean>;
}

/** Tells how much can still be written. */
export interface SpaceLeft {
  /**
   * @param path - the folder that is meant, which need not exist: a link may lead to another disk. Default `/`
   * @returns how many bytes others than root may still write there, and how many files, where the store counts those
   * @throws {StorageUnavailableError}
   */
  spaceLeft(path?: string): Promise<{ bytes: number; files: number | undefined }>;
}

/** Tells whether a driver can {@link Scannable.scan}. */
export function canScan<T extends StorageDriver>(driver: T): driver is T & Scannable {
  return "scan" in driver && typeof driver.scan === "function";
}

/** Tells whether a driver has {@link SynchronousFolders}. */
export function hasSynchronousFolders<T extends StorageDriver>(
  driver: T,
): driver is T & SynchronousFolders & SmallReads {
  return "listNamesSync" in driver && typeof driver.listNamesSync === "function" && hasSmallReads(driver);
}

/** Tells whether a driver is {@link Reopenable}. */
export function isReopenable<T extends StorageDriver>(driver: T): driver is T & Reopenable {
  return "openedWith" in driver && driver.openedWith !== undefined;
}

/** Tells whether a driver has {@link NameListing}. */
export function hasNameListing<T extends StorageDriver>(driver: T): driver is T & NameListing {
  return "listNames" in driver && typeof driver.listNames === "function";
}

/** Tells whether a driver has {@link SmallReads}. */
export function hasSmallReads<T extends StorageDriver>(driver: T): driver is T & SmallReads {
  return "getSync" in driver && typeof driver.getSync === "function";
}

/** Tells whether a driver has {@link BulkDelete}. */
export function canDeleteMany<T extends StorageDriver>(driver: T): driver is T & BulkDelete {
  return "deleteMany" in driver && typeof driver.deleteMany === "function";
}

/** Tells whether a driver has {@link EmptyFolders}. */
export function hasEmptyFolders<T extends StorageDriver>(driver: T): driver is T & EmptyFolders {
  return "removeFolder" in driver && typeof driver.removeFolder === "function";
}

/** Tells whether a driver has {@link DurableRemovals}. */
export function canSettleRemovals<T extends StorageDriver>(driver: T): driver is T & DurableRemovals {
  return "settleRemovals" in driver && typeof driver.settleRemovals === "function";
}

/** Tells whether a driver has {@link ExclusiveCreate}. */
export function canCreateExclusively<T extends StorageDriver>(driver: T): driver is T & ExclusiveCreate {
  return "putIfAbsent" in driver && typeof driver.putIfAbsent === "function";
}

/** Tells whether a driver has {@link StoreClock}. */
export function hasStoreClock<T extends StorageDriver>(driver: T): driver is T & StoreClock {
  return "now" in driver && typeof driver.now === "function";
}

/** Tells whether a driver has {@link FastReads}. */
export function hasFastReads<T extends StorageDriver>(driver: T): driver is T & FastReads {
  return "openFile" in driver && typeof driver.openFile === "function";
}

/** Tells whether a driver has {@link TemporaryFiles}. */
export function hasTemporaryFiles<T extends StorageDriver>(driver: T): driver is T & TemporaryFiles {
  return "sweepTemporaryFiles" in driver && typeof driver.sweepTemporaryFiles === "function";
}

/** Tells whether a driver has {@link FileLookup}. */
export function hasFileLookup<T extends StorageDriver>(driver: T): driver is T & FileLookup {
  return "statFile" in driver && typeof driver.statFile === "function";
}

/** Tells whether a driver has {@link SettableTimes}. */
export function canSetTimes<T extends StorageDriver>(driver: T): driver is T & SettableTimes {
  return "setModified" in driver && typeof driver.setModified === "function";
}

/** Tells whether a driver has {@link CopiesFrom}. */
export function canCopyFrom<T extends StorageDriver>(driver: T): driver is T & CopiesFrom {
  return "copyFrom" in driver && typeof driver.copyFrom === "function";
}

/** Tells whether a driver has {@link SpaceLeft}. */
export function tellsSpaceLeft<T extends StorageDriver>(driver: T): driver is T & SpaceLeft {
  return "spaceLeft" in driver && typeof driver.spaceLeft === "function";
}
