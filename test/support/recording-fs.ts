import { resolve } from "node:path";
import { type FsFile, type FsOperations, nodeFs } from "../../src/storage/filesystem/fs-operations.ts";

/** One thing that the driver did to the file system, with absolute paths, in the order in which it was finished. */
export type FsChange =
  /** `file` numbers the open files; writes belong to the file whatever its name is by then. */
  | { kind: "create"; path: string; file: number }
  | { kind: "open"; path: string; file: number }
  | { kind: "write"; file: number; position: number; bytes: Uint8Array }
  /** A sync covers what was there when it began, and is worth something when it has ended. */
  | { kind: "beginSyncFile"; sync: number; file: number }
  | { kind: "beginSyncFolder"; sync: number; path: string }
  | { kind: "endSync"; sync: number }
  | { kind: "mkdir"; path: string }
  | { kind: "rename"; from: string; to: string }
  | { kind: "link"; existing: string; path: string }
  | { kind: "unlink"; path: string }
  | { kind: "rmdir"; path: string }
  /** Put in by the test: what has been acknowledged to a client up to here. */
  | { kind: "mark"; label: string };

/** A file system that writes down what is done to it; give `fs` to `FilesystemDriver` and `log` to `survivors`. */
export interface RecordingFs {
  fs: FsOperations;
  log: FsChange[];
  /** Notes that something has been acknowledged now, so that it must survive from here on. */
  mark(label: string): void;
}

/** Puts a recorder around the real file system. Owners and modes are not recorded. */
export function recordingFs(inner: FsOperations = nodeFs): RecordingFs {
  const log: FsChange[] = [];
  let files = 0;
  let syncs = 0;

  function record(file: FsFile, number: number): FsFile {
    return {
      ...file,
      write: async (buffer, position) => {
        const written = await file.write(buffer, position);
        // A copy, since the driver uses its buffers again.
        log.push({
          kind: "write",
          file: number,
          position,
          bytes: new Uint8Array(buffer.subarray(0, written)),
        });
        return written;
      },
      datasync: async () => {
        const sync = syncs++;
        log.push({ kind: "beginSyncFile", sync, file: number });
        await file.datasync();
        log.push({ kind: "endSync", sync });
      },
    };
  }

  const fs: FsOperations = {
    ...inner,
    open: async (path, mode) => {
      const opened = await inner.open(path, mode);
      const number = files++;
      if (mode === "create") log.push({ kind: "create", path: resolve(path), file: number });
      if (mode === "modify") log.push({ kind: "open", path: resolve(path), file: number });
      return record(opened, number);
    },
    mkdir: async (path) => {
      await inner.mkdir(path);
      log.push({ kind: "mkdir", path });
    },
    rename: async (from, to) => {
      await inner.rename(from, to);
      log.push({ kind: "rename", from, to });
    },
    mkdirSync: (path) => {
      inner.mkdirSync(path);
      log.push({ kind: "mkdir", path });
    },
    linkSync: (existing, path) => {
      inner.linkSync(existing, path);
      log.push({ kind: "link", existing, path });
    },
    link: async (existing, path) => {
      await inner.link(existing, path);
      log.push({ kind: "link", existing, path });
    },
    unlink: async (path) => {
      await inner.unlink(path);
      log.push({ kind: "unlink", path });
    },
    unlinkSync: (path) => {
      inner.unlinkSync(path);
      log.push({ kind: "unlink", path });
    },
    rmdir: async (path) => {
      await inner.rmdir(path);
      log.push({ kind: "rmdir", path });
    },
    rmdirSync: (path) => {
      inner.rmdirSync(path);
      log.push({ kind: "rmdir", path });
    },
    syncFolder: async (path) => {
      const sync = syncs++;
      log.push({ kind: "beginSyncFolder", sync, path });
      await inner.syncFolder(path);
      log.push({ kind: "endSync", sync });
    },
  };
  return { fs, log, mark: (label) => void log.push({ kind: "mark", label }) };
}
