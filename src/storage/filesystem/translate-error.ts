import {
  InvalidPathError,
  PathNotFoundError,
  RegistryCtlError,
  StorageFullError,
  StorageUnavailableError,
} from "../../errors.ts";

/** What the driver was doing when a call failed. */
export interface FailedOperation {
  /** A verb: "read", "write", "rename". */
  operation: string;
  /** The path in the store. */
  path: string;
  /** The path in the file system, which an operator can look at. */
  absolutePath: string;
}

/** The code of a system error (`ENOENT`), or undefined for anything else. */
export function errorCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}

/** Tells whether nothing stands at the path that a call was given. */
export function isMissing(error: unknown): boolean {
  const code = errorCode(error);
  return code === "ENOENT" || code === "ENOTDIR";
}

/** Tells whether `rmdir` failed because there is no such folder, or something is in it. */
export function isFolderInUse(error: unknown): boolean {
  // EBUSY: something is mounted there.
  return isMissing(error) || ["ENOTEMPTY", "EEXIST", "EBUSY"].includes(errorCode(error) ?? "");
}

/** Turns an error of `node:fs` into one of ours; anything that is no system error is given back as it is. */
export function translateError(driver: string, error: unknown, failed: FailedOperation): unknown {
  if (error instanceof RegistryCtlError) return error;
  const code = errorCode(error);
  const { path, absolutePath, operation } = failed;
  const options = (hint: string) => ({ cause: error, hint });
  const message = (why: string) => `${driver}: cannot ${operation} ${absolutePath}: ${why} (${code})`;
  switch (code) {
    case "ENOENT":
    case "ENOTDIR":
      return new PathNotFoundError(driver, path, { cause: error });
    case "ENAMETOOLONG":
      return new InvalidPathError(path, "a name in it, or all of it, is too long for the file system");
    case "EISDIR":
      return new InvalidPathError(path, "a folder is at this path");
    case "ENOSPC":
      return new StorageFullError(
        message("no space or no inode is left"),
        options("free space or inodes on the disk of the store, for example by a garbage collection"),
      );
    case "EDQUOT":
      return new StorageFullError(
        message("the quota is used up"),
        options("raise the quota of the store's user"),
      );
    case "EACCES":
    case "EPERM":
      return new StorageUnavailableError(
        message("permission denied"),
        options(`run as the user that owns the store, or give this user access to ${absolutePath}`),
      );
    case "EROFS":
      return new StorageUnavailableError(
        message("the file system is mounted read-only"),
        options("mount the store read-write, or use --read-only-store"),
      );
    case "EMFILE":
    case "ENFILE":
      return new StorageUnavailableError(
        message("too many open files"),
        options("raise the limit of open files (ulimit -n, LimitNOFILE)"),
      );
    case "EIO":
    case "ESTALE":
      return new StorageUnavailableError(
        message("the disk or the network file system does not answer"),
        options("look into the system log, and check the disk or the mount"),
      );
    case "ELOOP":
      return new StorageUnavailableError(
        message("too many symbolic links"),
        options("remove the loop of symbolic links"),
      );
    default:
      if (code === undefined) return error;
      return new StorageUnavailableError(
        message("unexpected failure"),
        options("check the disk of the store"),
      );
  }
}

/** `unlink` of a folder is a path that is not there, as folders are no files: EISDIR on Linux, EPERM elsewhere. */
export function notAFile(driver: string, error: unknown, path: string): unknown {
  return errorCode(error) === "EISDIR" ? new PathNotFoundError(driver, path, { cause: error }) : error;
}
