import type { Readable } from "node:stream";
import {
  type BulkDelete,
  type CopiesFrom,
  canCopyFrom,
  canCreateExclusively,
  canDeleteMany,
  canScan,
  canSetTimes,
  canSettleRemovals,
  type DurableRemovals,
  type EmptyFolders,
  type ExclusiveCreate,
  type FastReads,
  type FileLookup,
  hasEmptyFolders,
  hasFastReads,
  hasFileLookup,
  hasNameListing,
  hasSmallReads,
  hasStoreClock,
  hasSynchronousFolders,
  hasTemporaryFiles,
  type NameListing,
  type OpenedFile,
  type Scannable,
  type SettableTimes,
  type SmallReads,
  type SpaceLeft,
  type StoreClock,
  type SynchronousFolders,
  type TemporaryFiles,
  tellsSpaceLeft,
} from "../abilities.ts";
import type { FileWriter, StorageDriver } from "../driver.ts";
import { innermostDriver } from "../innermost-driver.ts";
import { hasNaming, type Naming } from "../naming-abilities.ts";
import {
  canCheckReachable,
  canPresign,
  canPutOver,
  countsBusyAnswers,
  countsRequests,
  hasUnfinishedWrites,
  hasVersionedFiles,
  movesByCopying,
  type PresignedReads,
  type ReachabilityCheck,
  tellsUndecided,
  type UndecidedListener,
  type UnfinishedWrites,
  type VersionedFiles,
  type WritesOver,
} from "../object-store-abilities.ts";

type Abilities = Scannable &
  SynchronousFolders &
  NameListing &
  SmallReads &
  FastReads &
  BulkDelete &
  EmptyFolders &
  DurableRemovals &
  ExclusiveCreate &
  StoreClock &
  TemporaryFiles &
  FileLookup &
  SettableTimes &
  CopiesFrom &
  SpaceLeft &
  Naming &
  PresignedReads &
  UnfinishedWrites &
  VersionedFiles &
  ReachabilityCheck &
  WritesOver;

/** The methods of a driver and of its abilities. */
export type StorageMethod = Exclude<keyof (StorageDriver & Abilities), "name" | "location">;

/** One call of a driver. */
export interface StorageCall {
  method: StorageMethod;
  /** The (first) path; `/` for methods that have none. */
  path: string;
  /** How many bytes or paths are given along, as far as that is known beforehand. */
  amount?: number;
}

/** What a wrapper does around the calls of the driver inside. What it leaves out is passed through. */
export interface Around {
  /** Around every call that gives a promise. */
  call?<T>(call: StorageCall, run: () => Promise<T>): Promise<T>;
  /** Around the synchronous calls. */
  callSync?<T>(call: StorageCall, run: () => T): T;
  /** Around `walk` and the scans. `path` tells where an item stands. */
  iterate?<T>(call: StorageCall, run: () => AsyncIterable<T>): AsyncIterable<T>;
  /** Around each writer that has been opened. */
  writer?(path: string, writer: FileWriter): FileWriter;
  /** Around each stream that has been opened. */
  stream?(stream: Readable, signal: AbortSignal | undefined): Readable;
  /** Around each file that `openFile` has opened. */
  opened?(path: string, file: OpenedFile): OpenedFile;
  /** Abilities, by their method, that the wrapped driver shall not have. */
  without?: readonly StorageMethod[];
}

/** A driver that does what `inner` does, with `around` around it, and that has the abilities that `inner` has. */
export function wrapDriver(inner: StorageDriver, around: Around): StorageDriver {
  const call: NonNullable<Around["call"]> = (info, run) => (around.call ? around.call(info, run) : run());
  const iterate: NonNullable<Around["iterate"]> = (info, run) =>
    around.iterate ? around.iterate(info, run) : run();
  const driver: StorageDriver = {
    name: inner.name,
    location: inner.location,
    get: (path, maxBytes) => call({ method: "get", path }, () => inner.get(path, maxBytes)),
    put: (path, content) =>
      call({ method: "put", path, amount: content.length }, () => inner.put(path, content)),
    read: async (path, options) => {
      const stream = await call({ method: "read", path }, () => inner.read(path, options));
      return around.stream ? around.stream(stream, options?.signal) : stream;
    },
    openWriter: async (path, options) => {
      const writer = await call({ method: "openWriter", path }, () => inner.openWriter(path, options));
      return around.writer ? around.writer(path, writer) : writer;
    },
    stat: (path) => call({ method: "stat", path }, () => inner.stat(path)),
    list: (path) => call({ method: "list", path }, () => inner.list(path)),
    walk: (path) => iterate({ method: "walk", path }, () => inner.walk(path)),
    move: (from, to, contentTag) =>
      call({ method: "move", path: from }, () => inner.move(from, to, contentTag)),
    delete: (path) => call({ method: "delete", path }, () => inner.delete(path)),
  };
  const innermost = innermostDriver(inner);
  return Object.assign(driver, { innermost }, wrappedAbilities(inner, around, call, iterate));
}

function wrappedAbilities(
  inner: StorageDriver,
  around: Around,
  call: NonNullable<Around["call"]>,
  iterate: NonNullable<Around["iterate"]>,
): Partial<Abilities> {
  const callSync: NonNullable<Around["callSync"]> = (info, run) =>
    around.callSync ? around.callSync(info, run) : run();
  const abilities: Partial<Abilities> = {};
  if (canScan(inner)) {
    abilities.scan = (path, onFailure, asides) =>
      iterate({ method: "scan", path }, () => inner.scan(path, onFailure, asides));
  }
  if (hasSynchronousFolders(inner)) {
    abilities.scanDownTo = (path, isLeaf, onFailure, asides) =>
      iterate({ method: "scanDownTo", path }, () => inner.scanDownTo(path, isLeaf, onFailure, asides));
    abilities.listNamesSync = (path) =>
      callSync({ method: "listNamesSync", path }, () => inner.listNamesSync(path));
    abilities.deleteFileSync = (path) =>
      callSync({ method: "deleteFileSync", path }, () => inner.deleteFileSync(path));
    abilities.removeFolderSync = (path) =>
      callSync({ method: "removeFolderSync", path }, () => inner.removeFolderSync(path));
  }
  if (hasNameListing(inner)) {
    abilities.listNames = (path) => call({ method: "listNames", path }, () => inner.listNames(path));
  }
  if (hasSmallReads(inner)) {
    abilities.getSync = (path, maxBytes) =>
      callSync({ method: "getSync", path }, () => inner.getSync(path, maxBytes));
    abilities.statFileSync = (path) =>
      callSync({ method: "statFileSync", path }, () => inner.statFileSync(path));
  }
  if (hasFastReads(inner)) {
    abilities.openFile = async (path) => {
      const file = await call({ method: "openFile", path }, () => inner.openFile(path));
      return around.opened ? around.opened(path, file) : file;
    };
  }
  if (canDeleteMany(inner)) {
    abilities.deleteMany = (paths, onUndecided) =>
      call({ method: "deleteMany", path: paths[0] ?? "/", amount: paths.length }, () =>
        inner.deleteMany(paths, onUndecided),
      );
  }
  if (hasEmptyFolders(inner)) {
    abilities.removeFolder = (path) => call({ method: "removeFolder", path }, () => inner.removeFolder(path));
  }
  if (canSettleRemovals(inner)) {
    abilities.settleRemovals = (folders) =>
      call({ method: "settleRemovals", path: "/" }, () => inner.settleRemovals(folders));
  }
  if (canCreateExclusively(inner)) {
    abilities.putIfAbsent = (path, content) =>
      call({ method: "putIfAbsent", path, amount: content.length }, () => inner.putIfAbsent(path, content));
  }
  if (hasStoreClock(inner)) abilities.now = () => call({ method: "now", path: "/" }, () => inner.now());
  if (hasTemporaryFiles(inner)) {
    abilities.sweepTemporaryFiles = (path, beforeMs) =>
      call({ method: "sweepTemporaryFiles", path }, () => inner.sweepTemporaryFiles(path, beforeMs));
  }
  if (hasFileLookup(inner)) {
    abilities.statFile = (path) => call({ method: "statFile", path }, () => inner.statFile(path));
  }
  if (canSetTimes(inner)) {
    abilities.setModified = (path, modifiedMs) =>
      call({ method: "setModified", path }, () => inner.setModified(path, modifiedMs));
  }
  if (canCopyFrom(inner)) {
    abilities.copyFrom = (other, from, to, sizeBytes) =>
      call({ method: "copyFrom", path: to, amount: sizeBytes }, () =>
        inner.copyFrom(other, from, to, sizeBytes),
      );
  }
  if (tellsSpaceLeft(inner)) {
    abilities.spaceLeft = (path) =>
      call({ method: "spaceLeft", path: path ?? "/" }, () => inner.spaceLeft(path));
  }
  if (hasNaming(inner)) {
    abilities.linkFiles = (files) =>
      call({ method: "linkFiles", path: files[0]?.to ?? "/", amount: files.length }, () =>
        inner.linkFiles(files),
      );
    abilities.moveFolder = (from, to) =>
      call({ method: "moveFolder", path: from }, () => inner.moveFolder(from, to));
    abilities.settleNames = (folders) =>
      call({ method: "settleNames", path: "/" }, () => inner.settleNames(folders));
  }
  if (canPresign(inner)) {
    abilities.presignRead = (path, expiresMs) =>
      call({ method: "presignRead", path }, () => inner.presignRead(path, expiresMs));
  }
  if (hasUnfinishedWrites(inner)) {
    abilities.unfinishedBytes = (path) =>
      call({ method: "unfinishedBytes", path }, () => inner.unfinishedBytes(path));
    abilities.unfinishedAmount = (path) =>
      call({ method: "unfinishedAmount", path }, () => inner.unfinishedAmount(path));
    abilities.abandonUnfinished = (path, startedBeforeMs) =>
      call({ method: "abandonUnfinished", path }, () => inner.abandonUnfinished(path, startedBeforeMs));
    abilities.listUnfinished = (path) =>
      iterate({ method: "listUnfinished", path }, () => inner.listUnfinished(path));
  }
  if (hasVersionedFiles(inner)) {
    abilities.keptVersions = (limit) =>
      call({ method: "keptVersions", path: "/" }, () => inner.keptVersions(limit));
  }
  if (canPutOver(inner)) {
    abilities.putOver = (path, content) =>
      call({ method: "putOver", path, amount: content.length }, () => inner.putOver(path, content));
  }
  if (canCheckReachable(inner)) {
    abilities.checkReachable = (readOnly) =>
      call({ method: "checkReachable", path: "/" }, () => inner.checkReachable(readOnly));
  }
  if (movesByCopying(inner)) Object.assign(abilities, { movesByCopying: true });
  // The same object, which goes on growing.
  if (countsRequests(inner)) Object.assign(abilities, { requests: inner.requests });
  if (countsBusyAnswers(inner)) Object.assign(abilities, { busyAnswers: inner.busyAnswers });
  if (tellsUndecided(inner)) {
    Object.assign(abilities, {
      watchUndecided: (listener: UndecidedListener) => inner.watchUndecided(listener),
    });
  }
  for (const method of around.without ?? []) Reflect.deleteProperty(abilities, method);
  return abilities;
}
