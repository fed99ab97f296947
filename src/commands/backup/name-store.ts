import { statSync } from "node:fs";
import { resolve } from "node:path";
import { loadTarget } from "../../config/load-target.ts";
import type { StorageSettings } from "../../config/settings.ts";
import { UsageError } from "../../errors.ts";
import { printable } from "../../lib/printable.ts";
import type { CommandContext } from "../context.ts";

/**
 * Reads which store a place is: a folder that is there, or a file with the storage section. A folder is not made, as the disk that
 * belongs there may not be mounted.
 *
 * @param option - by which it was named
 * @throws {UsageError} if it was not named
 * @throws {ConfigError} if it is neither
 */
export async function nameStore(
  context: CommandContext,
  place: string | undefined,
  option: string,
): Promise<StorageSettings> {
  if (place === undefined) {
    throw new UsageError(`${option} is missing`, {
      hint: `name a folder, or a file with a storage section: ${option} /mnt/backups`,
    });
  }
  const { cwd, env } = context;
  const isFolder = statSync(resolve(cwd, place), { throwIfNoEntry: false })?.isDirectory() === true;
  const target = isFolder
    ? await loadTarget({ driver: "filesystem", values: { rootdirectory: resolve(cwd, place) }, env, cwd })
    : await loadTarget({ file: place, values: {}, env, cwd });
  for (const warning of target.warnings) context.stderr.write(`warning: ${printable(warning)}\n`);
  return target.storage;
}
