import type { StorageDriver } from "./driver.ts";

/*
 * Abilities of stores that take requests, as the others in `abilities.ts`: some drivers have them and others do not.
 */

/** Can let others read a file for a while, without going through us. */
export interface PresignedReads {
  /**
   * @param expiresMs - how long, from now on
   * @returns an address at which anybody can GET the file; no request is made for it
   */
  presignRead(path: string, expiresMs: number): Promise<string>;
}

/**
 * An unfinished file whose bytes no reader sees. `openWriter` with `append` goes on with it, and `stat` knows nothing of
 * it before `commit`.
 */
export interface UnfinishedFile {
  path: string;
  /** When its first bytes came, by the store's clock. */
  startedMs: number;
}

/** What writers have stored of an unfinished file so far. */
export interface UnfinishedAmount {
  /** Of all parts that lie in the store, whether a later writer would find them or not. Files beside it do not count. */
  sizeBytes: number;
  /** When the last of them came, or when the file was begun if that is later; by the store's clock. */
  writtenMs: number;
}

/** Keeps what an appending writer has left at `close` apart from the files. */
export interface UnfinishedWrites {
  /** @returns how many bytes a writer with `append` would find at `path`; undefined if nobody has begun one */
  unfinishedBytes(path: string): Promise<number | undefined>;
  /** @returns what all writers together have left at `path`, dead and living ones; undefined if there is nothing */
  unfinishedAmount(path: string): Promise<UnfinishedAmount | undefined>;
  /**
   * Removes what was left at `path`, from all writers. Removing nothing is no error.
   * @param startedBeforeMs - what was begun later, by the store's clock, is left alone. Default: nothing is.
   */
  abandonUnfinished(path: string, startedBeforeMs?: number): Promise<void>;
  /** Everything unfinished below a folder, in order, also what its writer died over. */
  listUnfinished(path: string): AsyncIterable<UnfinishedFile>;
}

/**
 * Moves by copying, so that what is known beforehand is better written to its place at once. There a writer without
 * `append` leaves nothing that anybody could see unless it commits.
 */
export interface CopyingMoves {
  readonly movesByCopying: true;
}

/** What a file held before it was written, as far as it begins. */
export type FileBefore = Uint8Array | "nothing";

/**
 * Told of a file that the store may still write or remove.
 *
 * @param over - what the file has to hold then; left out: it is written, or removed, whatever it holds
 */
export type UndecidedListener = (path: string, over?: FileBefore) => void;

/** Takes requests that may have their effect after a later one: of an attempt without an answer nobody knows when. */
export interface UndecidedChanges {
  /**
   * Has a listener told of each file that the store may still write or remove although the call which asked for it is
   * over, be it that a later attempt has succeeded. Told before that call ends, of all calls of this driver.
   *
   * @returns ends it
   */
  watchUndecided(listener: UndecidedListener): () => void;
}

/** Can bind a write to what it replaces, so that nothing comes of a request which comes later than another one's. */
export interface WritesOver {
  /**
   * As `put`, for small files: replaces what lies there at the moment. What the store carries out late of it has no
   * effect, unless the same lies there once more; where a store knows no such condition, it is a `put`.
   */
  putOver(path: string, content: Uint8Array): Promise<void>;
}

/** Counts the requests that go to the store. */
export interface RequestCounts {
  /** Requests by their kind (`GET object`, `LIST`); each attempt counts. Grows while the driver works. */
  readonly requests: Readonly<Record<string, number>>;
}

/** Counts how often the store had no time (503 SlowDown, for example), which those who ask too much want to know. */
export interface BusyAnswers {
  /** Requests were tried again. Grows while the driver works. */
  readonly busyAnswers: { readonly count: number };
}

/** What a store keeps of files that were removed. */
export interface KeptVersions {
  versioning: "off" | "on" | "suspended";
  /** A rule of the store removes older versions by itself. */
  expire: boolean;
  /** Older versions that there are, as far as they were counted; undefined if that was not allowed. */
  noncurrent: { files: number; bytes: number; isComplete: boolean } | undefined;
}

/** May keep what was removed. */
export interface VersionedFiles {
  /** @param limit - so many versions are counted at the most */
  keptVersions(limit: number): Promise<KeptVersions>;
}

/** Can tell at once whether it will work. */
export interface ReachabilityCheck {
  /**
   * @param readOnly - writes need not be allowed
   * @throws {StorageUnavailableError} which says what to change
   */
  checkReachable(readOnly: boolean): Promise<void>;
}

/** Tells whether a driver has {@link PresignedReads}. */
export function canPresign<T extends StorageDriver>(driver: T): driver is T & PresignedReads {
  return "presignRead" in driver && typeof driver.presignRead === "function";
}

/** Tells whether a driver has {@link UnfinishedWrites}. */
export function hasUnfinishedWrites<T extends StorageDriver>(driver: T): driver is T & UnfinishedWrites {
  return "unfinishedBytes" in driver && typeof driver.unfinishedBytes === "function";
}

/** Tells whether a driver has {@link CopyingMoves}. */
export function movesByCopying<T extends StorageDriver>(driver: T): driver is T & CopyingMoves {
  return "movesByCopying" in driver && driver.movesByCopying === true;
}

/** Tells whether a driver has {@link UndecidedChanges}. */
export function tellsUndecided<T extends StorageDriver>(driver: T): driver is T & UndecidedChanges {
  return "watchUndecided" in driver && typeof driver.watchUndecided === "function";
}

/** Tells whether a driver has {@link WritesOver}. */
export function canPutOver<T extends StorageDriver>(driver: T): driver is T & WritesOver {
  return "putOver" in driver && typeof driver.putOver === "function";
}

/** Tells whether a driver has {@link RequestCounts}. */
export function countsRequests<T extends StorageDriver>(driver: T): driver is T & RequestCounts {
  return "requests" in driver && typeof driver.requests === "object";
}

/** Tells whether a driver has {@link BusyAnswers}. */
export function countsBusyAnswers<T extends StorageDriver>(driver: T): driver is T & BusyAnswers {
  return "busyAnswers" in driver && typeof driver.busyAnswers === "object";
}

/** Tells whether a driver has {@link VersionedFiles}. */
export function hasVersionedFiles<T extends StorageDriver>(driver: T): driver is T & VersionedFiles {
  return "keptVersions" in driver && typeof driver.keptVersions === "function";
}

/** Tells whether a driver has {@link ReachabilityCheck}. */
export function canCheckReachable<T extends StorageDriver>(driver: T): driver is T & ReachabilityCheck {
  return "checkReachable" in driver && typeof driver.checkReachable === "function";
}
