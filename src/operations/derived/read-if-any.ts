import { readFileSync, statSync } from "node:fs";
import { RegistryCtlError } from "../../errors.ts";
import { errorCodeOf, fileProblemOf } from "../../lib/system-error.ts";

/**
 * @returns the text of a file; undefined if there is none
 * @throws {RegistryCtlError} `ERR_READ` if it cannot be read
 */
export function readIfAny(path: string): string | undefined {
  try {
    // A pipe that nobody writes to would be waited for for ever.
    if (statSync(path).isFile()) return readFileSync(path, "utf8");
  } catch (cause) {
    if (errorCodeOf(cause) === "ENOENT" || errorCodeOf(cause) === "ENOTDIR") return undefined;
    throw new RegistryCtlError("ERR_READ", `${path} cannot be read: ${fileProblemOf(cause)}`, {
      cause,
      hint: "run as root",
    });
  }
  throw new RegistryCtlError("ERR_READ", `${path} is no file`, {
    hint: "put a file in its place, or take it away",
  });
}
