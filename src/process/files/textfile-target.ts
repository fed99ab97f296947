import { accessSync, constants, lstatSync, type Stats } from "node:fs";
import { dirname } from "node:path";
import { UsageError } from "../../errors.ts";
import { errorCodeOf } from "../../lib/system-error.ts";

/**
 * Sees whether a text file can be put in this place: better before a run than when its work is done.
 *
 * @param path - absolute
 * @throws {UsageError} if there is no such folder, this user may not write there, or something else than a file stands
 *   in the place, such as a device
 */
export function requireTextfileTarget(path: string): void {
  const folder = dirname(path);
  let present: Stats | undefined;
  try {
    // The slash: something else than a folder is told as such.
    accessSync(`${folder}/`, constants.W_OK | constants.X_OK);
    present = lstatSync(path, { throwIfNoEntry: false });
  } catch (error) {
    const reason = errorCodeOf(error) || String(error);
    throw new UsageError(`no text file can be written in ${folder}: ${reason}`, {
      cause: error,
      hint: "make the folder, or give --textfile a path in one that this user may write to",
    });
  }
  // A link is replaced, not followed; so anybody may have put one there.
  if (present && !present.isFile() && !present.isSymbolicLink()) {
    throw new UsageError(`${path} is there already, and is no file`, {
      hint: "give --textfile another path; its name should end in .prom",
    });
  }
}
