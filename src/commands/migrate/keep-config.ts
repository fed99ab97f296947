import { accessSync, constants, readFileSync, realpathSync, statSync } from "node:fs";
import { join } from "node:path";
import { RegistryCtlError } from "../../errors.ts";
import { createOwnedFile } from "../../lib/owned-file.ts";
import { errorCodeOf } from "../../lib/system-error.ts";
import { ReadOnlyFileError } from "../../process/files/replace-file.ts";

const CANNOT_WRITE = new Set(["EACCES", "EPERM", "EROFS"]);

/**
 * To be called before a registry is held for a change of its configuration.
 *
 * @throws {ReadOnlyFileError} if the file cannot be changed
 */
export function requireWritable(file: string): void {
  try {
    accessSync(file, constants.W_OK);
  } catch (cause) {
    throw new ReadOnlyFileError(file, cause);
  }
}

/**
 * Keeps a copy of a configuration beside it, with the same owner and mode; where nothing can be made there, as in a container, in another folder
 * for this user alone.
 *
 * @returns its path
 */
export function keepConfig(file: string, text: string, otherwise: string): string {
  const real = realpathSync(file);
  const suffix = `before-migration-${new Date().toISOString().replaceAll(/[-:]|\.\d+/g, "")}`;
  const { mode, uid, gid } = statSync(real);
  try {
    return keep(`${real}.${suffix}`, text, { mode: mode & 0o777, owner: { uid, gid } });
  } catch (error) {
    if (!CANNOT_WRITE.has(errorCodeOf(error) ?? "")) throw error;
    return keep(join(otherwise, `config.yml.${suffix}`), text, { mode: 0o600 });
  }
}

function keep(path: string, text: string, options: Parameters<typeof createOwnedFile>[2]): string {
  if (createOwnedFile(path, Buffer.from(text), options)) return path;
  if (readFileSync(path, "utf8") === text) return path;
  throw new RegistryCtlError("ERR_WRITE", `${path} is there already`);
}
