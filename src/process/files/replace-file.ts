import { spawn } from "node:child_process";
import {
  closeSync,
  constants,
  fstatSync,
  futimesSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  type Stats,
  statSync,
} from "node:fs";
import { RegistryCtlError, RegistryStateError } from "../../errors.ts";
import { overwriteFile, writeBeside } from "../../lib/owned-file.ts";
import { errorCodeOf, fileProblemOf } from "../../lib/system-error.ts";
import { isMountedElsewhere } from "../machine/mounted-elsewhere.ts";

const { O_NOFOLLOW, O_RDONLY, O_WRONLY } = constants;

/** How a file was replaced. */
export interface ReplacedFile {
  /** The real file, where `path` is a link. */
  path: string;
  /** The file could not be exchanged for another one, so it was written into. */
  inPlace: boolean;
  /** What was in it before: with `keepsOld`, and with `inPlace` where something can be made beside the file. */
  backup?: string;
}

/** What {@link replaceFile} goes by. */
export interface ReplaceOptions {
  /** What the file held when the new content was made from it: somebody else's change is never lost. */
  expected: string;
  /** The old content stays beside it in any case. */
  keepsOld?: boolean;
}

/** The file lies where nothing can be written, such as in a ConfigMap of Kubernetes. */
export class ReadOnlyFileError extends RegistryCtlError {
  override readonly name: string = "ReadOnlyFileError";
  constructor(path: string, cause: unknown) {
    super("ERR_FILE_READ_ONLY", `${path} cannot be changed: ${fileProblemOf(cause)}`, {
      cause,
      hint: "change it where it comes from, or run as the user who may write it",
    });
  }
}

/** A folder that cannot be written, a name that is a mount of its own, an owner who cannot be kept. */
const CANNOT_EXCHANGE = new Set(["EACCES", "EPERM", "EROFS", "EBUSY", "EXDEV"]);
const CANNOT_WRITE = new Set(["EACCES", "EPERM", "EROFS"]);
const FULL = new Set(["ENOSPC", "EDQUOT"]);
/** Code of the error after which a file is neither what it was nor what it should be. */
const HALF_WRITTEN = "ERR_HALF_WRITTEN";

/**
 * Replaces the content of a file: whoever reads it meanwhile sees the old or the new one. The file that a link leads to is
 * the one that changes; owner, mode, access lists and security labels stay. A file that is mounted by itself, here or in a
 * container, has to stay the same file: it is written into, with its old content kept beside it.
 *
 * @throws {ReadOnlyFileError} if it cannot be written; nothing has changed then
 * @throws {RegistryStateError} if it does not hold what was expected
 * @throws {RegistryCtlError} `ERR_WRITE` if writing fails otherwise, or would destroy what is no UTF-8
 */
export async function replaceFile(
  path: string,
  text: string,
  { expected, keepsOld = false }: ReplaceOptions,
): Promise<ReplacedFile> {
  let backup: string | undefined;
  try {
    const real = realpathSync(path);
    const stats = statSync(real);
    if (!stats.isFile()) throw new RegistryCtlError("ERR_WRITE", `${path} is no file`);
    requireUnchanged(real, expected);
    if (keepsOld) backup = keepBeside(real);
    const isBound = stats.nlink > 1 || isMountedElsewhere(real);
    const inPlace = isBound || !(await exchange(real, text, { stats, expected }));
    if (inPlace) {
      backup ??= backUp(real);
      writeInto(real, text, backup);
    }
    return { path: real, inPlace, ...(backup === undefined ? {} : { backup }) };
  } catch (error) {
    const isNeeded = error instanceof RegistryCtlError && error.code === HALF_WRITTEN;
    if (backup !== undefined && !isNeeded) rmSync(backup, { force: true });
    if (error instanceof RegistryCtlError) throw error;
    if (CANNOT_WRITE.has(errorCodeOf(error))) throw new ReadOnlyFileError(path, error);
    throw new RegistryCtlError("ERR_WRITE", `${path} cannot be written: ${fileProblemOf(error)}`, {
      cause: error,
      hint: hintForWriting(error) ?? "nothing was changed: see to the file and its folder, and try again",
    });
  }
}

/** @returns what to do where a disk is full; undefined if it is not that */
export function hintForWriting(error: unknown): string | undefined {
  return FULL.has(errorCodeOf(error))
    ? "nothing was changed: make room there (see df -h and df -i), and try again"
    : undefined;
}

/** @returns false if there can be no other file in its place */
async function exchange(
  real: string,
  text: string,
  { stats, expected }: { stats: Stats; expected: string },
): Promise<boolean> {
  let temporary: string | undefined;
  try {
    const { uid, gid, mode } = stats;
    temporary = writeBeside(real, text, { mode, owner: { uid, gid, isRequired: true } });
    if (!(await takeAttributes(real, temporary, stats))) return false;
    requireUnchanged(real, expected);
    renameSync(temporary, real);
    temporary = undefined;
    return true;
  } catch (error) {
    if (CANNOT_EXCHANGE.has(errorCodeOf(error))) return false;
    throw error;
  } finally {
    if (temporary !== undefined) rmSync(temporary, { force: true });
  }
}

/**
 * Gives a file the access list, the security label and the extended attributes of another one, which Node cannot read.
 * Where the system's `cp` does not know them (BusyBox), there is only the mode, which it has already.
 *
 * @returns false if owner or mode did not come out the same
 * @see https://www.gnu.org/software/coreutils/manual/html_node/cp-invocation.html
 */
async function takeAttributes(from: string, to: string, { uid, gid, mode }: Stats): Promise<boolean> {
  // Whoever owns the folder can put a link in the place of either: what has been opened stays what it is.
  const [source, target] = [openSync(from, O_RDONLY), openSync(to, O_WRONLY | O_NOFOLLOW)];
  try {
    const opened = fstatSync(target);
    if (opened.uid !== uid || opened.nlink !== 1) return false;
    await copyAttributes(source, target);
    const now = new Date();
    // It takes the old time along, and readers know by the time that a file has changed.
    futimesSync(target, now, now);
    const made = fstatSync(target);
    return made.uid === uid && made.gid === gid && made.mode === mode;
  } finally {
    closeSync(source);
    closeSync(target);
  }
}

/** Resolves when the program has ended, or could not be run. */
function copyAttributes(source: number, target: number): Promise<void> {
  const child = spawn("cp", ["--attributes-only", "--preserve=all", "/proc/self/fd/3", "/proc/self/fd/4"], {
    stdio: ["ignore", "ignore", "ignore", source, target],
    timeout: 10_000,
  });
  return new Promise((resolve) => {
    child.once("close", () => resolve());
    child.once("error", () => resolve());
  });
}

/** On a disk that becomes full meanwhile the old content is put back: it needs no room but what it had. */
function writeInto(real: string, text: string, backup: string | undefined): void {
  const old = readFileSync(real);
  try {
    overwriteFile(real, Buffer.from(text));
  } catch (error) {
    // Nothing was written where the file cannot even be opened.
    if (CANNOT_WRITE.has(errorCodeOf(error))) throw error;
    try {
      overwriteFile(real, old);
    } catch (cause) {
      const what = `${real} was written in part only (${fileProblemOf(error)}), and what was in it could not be put back`;
      throw new RegistryCtlError(HALF_WRITTEN, `${what}: ${fileProblemOf(cause)}`, {
        cause,
        hint: backup === undefined ? "restore it from your own copy" : `what was in it is in ${backup}`,
      });
    }
    throw error;
  }
}

/**
 * Copies a file to a name beside it.
 *
 * @returns that name
 * @throws {RegistryCtlError} `ERR_WRITE` where nothing can be made there
 * @throws {Error} the system's, if it fails otherwise
 */
export function keepBeside(path: string): string {
  const real = realpathSync(path);
  const backup = backUp(real);
  if (backup !== undefined) return backup;
  throw new RegistryCtlError("ERR_WRITE", `what is in ${real} cannot be kept beside it`, {
    hint: "nothing was changed: copy it elsewhere, take it away, and try again",
  });
}

/**
 * @returns the name of a copy with the same owner and mode, which cron, logrotate and nginx do not read in their folders; undefined
 *   where nothing can be made there
 */
function backUp(real: string): string | undefined {
  const backup = `${real}.${new Date().toISOString().replaceAll(/[-:]|\.\d+/g, "")}.bak~`;
  try {
    const { uid, gid, mode } = statSync(real);
    const owner = { uid, gid, isRequired: false };
    const temporary = writeBeside(real, readFileSync(real), { mode, owner });
    renameSync(temporary, backup);
    return backup;
  } catch (error) {
    if (CANNOT_EXCHANGE.has(errorCodeOf(error))) return undefined;
    throw error;
  }
}

/**
 * @throws {RegistryStateError} if a file does not hold what somebody has gone by
 * @throws {RegistryCtlError} `ERR_WRITE` if it holds what is no UTF-8, and would be lost
 */
export function requireUnchanged(path: string, expected: string): void {
  const bytes = readFileSync(path);
  if (bytes.equals(Buffer.from(expected))) return;
  if (bytes.toString("utf8") === expected) {
    throw new RegistryCtlError("ERR_WRITE", `${path} has characters that are no UTF-8 and would be lost`, {
      hint: "turn it into UTF-8 first, such as with iconv, or change it by hand",
    });
  }
  throw new RegistryStateError(`somebody else has changed ${path} meanwhile`, {
    hint: "look at it, and try again",
  });
}
