import { closeSync, constants, fstatSync, openSync, readSync, type Stats } from "node:fs";
import { RegistryCtlError } from "../../errors.ts";
import { errorCodeOf, fileProblemOf } from "../../lib/system-error.ts";

/** A file with keys or certificates has kilobytes; what is beyond this is another kind of file. */
const MAX_BYTES = 1024 * 1024;

/** A file's bytes, and what is known of the file itself. */
export interface KeyFile {
  content: Buffer;
  stats: Stats;
}

/** A file with keys or certificates cannot be read. */
export class UnreadableKeyFileError extends RegistryCtlError {
  override readonly name: string = "UnreadableKeyFileError";
  /** There is no such file. */
  readonly isMissing: boolean;
  constructor(path: string, reason: string, options: { isMissing?: boolean; cause?: unknown } = {}) {
    const hint = /EACCES|EPERM/.test(reason) ? "run it as root, or as the user that may read it" : undefined;
    super("ERR_KEY_FILE", `${path} cannot be read: ${reason}`, { hint, cause: options.cause });
    this.isMissing = options.isMissing ?? false;
  }
}

/**
 * Reads a file with keys or certificates, behind links. A pipe in its place is never waited for.
 *
 * @param path - absolute
 * @param shownAs - how messages name it
 * @throws {UnreadableKeyFileError} if it cannot be read, is no file, or is too large for one with keys
 */
export function readKeyFile(path: string, shownAs: string = path): KeyFile {
  let file: number;
  try {
    file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (cause) {
    const isMissing = ["ENOENT", "ENOTDIR"].includes(errorCodeOf(cause));
    throw new UnreadableKeyFileError(shownAs, fileProblemOf(cause), { isMissing, cause });
  }
  try {
    const stats = fstatSync(file);
    if (!stats.isFile()) throw new UnreadableKeyFileError(shownAs, "it is no file");
    const buffer = Buffer.alloc(MAX_BYTES + 1);
    let length = 0;
    for (let read = -1; read !== 0 && length < buffer.length; length += read) {
      read = readSync(file, buffer, length, buffer.length - length, null);
    }
    if (length > MAX_BYTES) throw new UnreadableKeyFileError(shownAs, "it is larger than 1 MiB");
    return { content: buffer.subarray(0, length), stats };
  } finally {
    closeSync(file);
  }
}
