import {
  accessSync,
  closeSync,
  constants,
  copyFileSync,
  fsyncSync,
  linkSync,
  lstatSync,
  openSync,
  renameSync,
  rmSync,
  type Stats,
} from "node:fs";
import { dirname } from "node:path";
import { RegistryCtlError, UsageError } from "../../errors.ts";
import { nameBeside, writeBeside } from "../../lib/owned-file.ts";
import { errorCodeOf } from "../../lib/system-error.ts";

/** A file that is to be in a place, whole or not at all. */
export interface FileToPlace {
  /** Absolute. */
  path: string;
  content: string | Uint8Array;
  /** Of a new file; one that is replaced in the same role keeps its own with `keepMode`. */
  mode: number;
  keepMode?: boolean;
  /** What to do with a file that stands there: leave it and fail, keep it beside under another name, or let it go. */
  present: "refuse" | "back-up" | "replace";
}

/** What is known of a place before anything is written. */
interface Place extends FileToPlace {
  before: Stats | undefined;
}

/**
 * Sees whether files can be put in their places: better before a key is made than after.
 *
 * @throws {UsageError} if one stands there that must not be replaced, or if something else than a file does; a link is
 *   never written through
 */
export function inspectPlaces(files: readonly FileToPlace[]): void {
  for (const file of files) inspect(file);
}

/**
 * Puts files in their places: all of them or none, each whole. Whoever reads meanwhile sees old or new ones. They are
 * placed in the given order.
 *
 * @param suffix - of the names of backups
 * @returns the paths of the backups
 * @throws {UsageError} as {@link inspectPlaces}
 * @throws {RegistryCtlError} `ERR_WRITE` if a file cannot be written; nothing has changed then
 */
export function placeFiles(files: readonly FileToPlace[], suffix: string): string[] {
  const places = files.map(inspect);
  const temporary: string[] = [];
  const undo: (() => void)[] = [];
  const backups: string[] = [];
  try {
    const written = places.map((place) => {
      const path = writeNew(place);
      temporary.push(path);
      return { place, path };
    });
    const saved = written.map(({ place }) => {
      if (!place.before) return undefined;
      const keep = place.present === "back-up";
      const path = keep ? `${place.path}.${suffix}` : nameBeside(place.path);
      if (!keep) temporary.push(path);
      linkOrCopy(place.path, path);
      if (keep) {
        backups.push(path);
        undo.push(() => rmSync(path, { force: true }));
      }
      return path;
    });
    for (const [index, { place, path }] of written.entries()) {
      const old = saved[index];
      if (old !== undefined) {
        renameSync(path, place.path);
        undo.push(() => renameSync(old, place.path));
      } else {
        linkOrCopy(path, place.path);
        undo.push(() => rmSync(place.path, { force: true }));
      }
    }
    for (const folder of new Set(places.map(({ path }) => dirname(path)))) syncFolder(folder);
  } catch (error) {
    for (const step of undo.reverse()) step();
    throw writeError(error);
  } finally {
    for (const path of temporary) rmSync(path, { force: true });
  }
  return backups;
}

function inspect(file: FileToPlace): Place {
  const { path, present } = file;
  const before = look(path);
  if (before?.isSymbolicLink()) {
    throw new UsageError(`${path} is a link, and keys are never written through links`, {
      hint: "give the path of the file that it leads to",
    });
  }
  if (before && !before.isFile()) throw new UsageError(`${path} is there already, and is no file`);
  if (before && present === "refuse") {
    throw new UsageError(`${path} is there already`, {
      hint: "give another path, or --force to replace it and keep the old one beside it",
    });
  }
  return { ...file, before };
}

function look(path: string): Stats | undefined {
  try {
    // The slash: something else than a folder is told as such.
    accessSync(`${dirname(path)}/`, constants.W_OK | constants.X_OK);
    return lstatSync(path, { throwIfNoEntry: false });
  } catch (error) {
    throw writeError(error);
  }
}

function writeNew({ path, content, mode, keepMode, before }: Place): string {
  return writeBeside(path, content, {
    mode: keepMode && before ? before.mode : mode,
    // A file of root's that another user could not read any more would stop that user's registry.
    owner: before && { uid: before.uid, gid: before.gid, isRequired: true },
  });
}

/** Never replaces what stands there. Where the file system has no links, the file is not there at once as a whole. */
function linkOrCopy(from: string, to: string): void {
  try {
    linkSync(from, to);
  } catch (error) {
    if (!knowsNoLinks(error)) throw error;
    copyFileSync(from, to, constants.COPYFILE_EXCL);
  }
}

function knowsNoLinks(error: unknown): boolean {
  return ["EPERM", "ENOTSUP", "ENOSYS", "EMLINK"].includes(errorCodeOf(error));
}

function syncFolder(path: string): void {
  const folder = openSync(path, constants.O_RDONLY);
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}

function writeError(error: unknown): unknown {
  if (error instanceof RegistryCtlError || !(error instanceof Error)) return error;
  // Of a folder, which was named with a slash at its end, the folder itself.
  const path = "path" in error ? `${dirname(`${error.path}.`)}: ` : "";
  if (errorCodeOf(error) === "EEXIST") {
    return new UsageError("a file has come into the place meanwhile; nothing was changed", { cause: error });
  }
  return new RegistryCtlError("ERR_WRITE", `cannot write in ${path}${errorCodeOf(error) || error.message}`, {
    cause: error,
    hint: "nothing was changed",
  });
}
