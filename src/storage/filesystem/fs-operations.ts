import type { Dirent } from "node:fs";
import { chownSync, constants, linkSync, mkdirSync, rmdirSync, statSync, unlinkSync } from "node:fs";
import * as fs from "node:fs/promises";
import { versions } from "node:process";

/** What the driver asks of one open file. */
export interface FsFile {
  /** @returns bytes read; 0 at the end */
  read(buffer: Uint8Array, position: number): Promise<number>;
  /** @returns bytes written, perhaps fewer than given */
  write(buffer: Uint8Array, position: number): Promise<number>;
  /** Makes the content and the size durable. */
  datasync(): Promise<void>;
  stat(): Promise<FsStat>;
  chown(uid: number, gid: number): Promise<void>;
  /** Sets the time of the last change to now. */
  touch(): Promise<void>;
  close(): Promise<void>;
}

/** What the driver asks of `stat`. */
export interface FsStat {
  size: number;
  mtimeMs: number;
  birthtimeMs: number;
  uid: number;
  gid: number;
  dev: number;
  ino: number;
  isFile(): boolean;
  isDirectory(): boolean;
}

/** What the driver asks of `statfs`; in blocks, and numbers of files. */
export interface FsRoom {
  bsize: number;
  /** Free for others than root. */
  bavail: number;
  /** 0: the file system does not count files. */
  files: number;
  ffree: number;
}

/**
 * `read`: an existing file. `create`: a new file, EEXIST if there is one. `modify`: an existing file, to be changed in
 * place.
 */
export type OpenMode = "read" | "create" | "modify";

/**
 * The calls of the file system that the driver makes, as far as they change anything or wait; so that a test can stand
 * between. Errors are those of `node:fs`.
 */
export interface FsOperations {
  open(path: string, mode: OpenMode): Promise<FsFile>;
  mkdir(path: string): Promise<void>;
  mkdirSync(path: string): void;
  rename(from: string, to: string): Promise<void>;
  link(existing: string, path: string): Promise<void>;
  linkSync(existing: string, path: string): void;
  unlink(path: string): Promise<void>;
  unlinkSync(path: string): void;
  rmdir(path: string): Promise<void>;
  rmdirSync(path: string): void;
  chown(path: string, uid: number, gid: number): Promise<void>;
  chownSync(path: string, uid: number, gid: number): void;
  /** Sets the time of the last change of a file, in milliseconds since 1970. */
  setModified(path: string, modifiedMs: number): Promise<void>;
  /** Tells of the room on the disk that a file or folder is on. */
  statfs(path: string): Promise<FsRoom>;
  /** Makes the entries of a folder durable. */
  syncFolder(path: string): Promise<void>;
  stat(path: string): Promise<FsStat>;
  /** For a file or folder that was used just now, whose attributes the kernel still has. */
  statSync(path: string): FsStat;
  readdir(path: string): Promise<Dirent[]>;
  realpath(path: string): Promise<string>;
}

const OPEN_FLAGS: Record<OpenMode, number> = {
  // A pipe in the place of a file is opened at once, and then seen not to be one; a file does not care.
  read: constants.O_RDONLY | constants.O_NONBLOCK,
  create: constants.O_RDWR | constants.O_CREAT | constants.O_EXCL,
  modify: constants.O_RDWR,
};

/**
 * What is to be added to a time that is set: libuv before 1.52 (https://github.com/libuv/libuv/pull/4951) cuts off what is less
 * than a microsecond, and may find a whole number of them to be a little below it.
 */
const CUT_OFF_SECONDS = versions.uv.localeCompare("1.52", "en", { numeric: true }) < 0 ? 5e-7 : 0;

/** The real file system. */
export const nodeFs: FsOperations = {
  open: async (path, mode) => fileOf(await fs.open(path, OPEN_FLAGS[mode], 0o666)),
  mkdir: (path) => fs.mkdir(path, 0o777),
  mkdirSync: (path) => void mkdirSync(path, 0o777),
  rename: fs.rename,
  link: fs.link,
  linkSync,
  unlink: fs.unlink,
  unlinkSync,
  rmdir: (path) => fs.rmdir(path),
  rmdirSync: (path) => rmdirSync(path),
  chown: fs.chown,
  chownSync,
  setModified: (path, modifiedMs) => fs.utimes(path, new Date(), modifiedMs / 1000 + CUT_OFF_SECONDS),
  statfs: (path) => fs.statfs(path),
  syncFolder: async (path) => {
    const folder = await fs.open(path, constants.O_RDONLY | constants.O_DIRECTORY);
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  },
  stat: (path) => fs.stat(path),
  statSync: (path) => statSync(path),
  readdir: (path) => fs.readdir(path, { withFileTypes: true }),
  realpath: (path) => fs.realpath(path),
};

function fileOf(handle: fs.FileHandle): FsFile {
  return {
    read: async (buffer, position) => (await handle.read(buffer, 0, buffer.length, position)).bytesRead,
    write: async (buffer, position) => (await handle.write(buffer, 0, buffer.length, position)).bytesWritten,
    datasync: () => handle.datasync(),
    stat: () => handle.stat(),
    chown: (uid, gid) => handle.chown(uid, gid),
    touch: () => {
      const now = new Date();
      return handle.utimes(now, now);
    },
    close: () => handle.close(),
  };
}

/** Writes all of a buffer, however many calls it takes. */
export async function writeFully(file: FsFile, buffer: Uint8Array, position: number): Promise<void> {
  let done = 0;
  while (done < buffer.length) {
    done += await file.write(done === 0 ? buffer : buffer.subarray(done), position + done);
  }
}
