import { basename } from "node:path";
import type { StorageSettings } from "../../config/settings.ts";
import { storeName } from "../../config/store-name.ts";
import { CancelledError, UsageError } from "../../errors.ts";
import type { CommandContext } from "../context.ts";
import type { MigrateFlags } from "./migrate-flags.ts";

/** @returns what has to be typed out: the bucket's name, or the last part of the folder's */
export function nameToConfirm(storage: StorageSettings): string {
  if ("bucket" in storage) return storage.bucket;
  return storage.driver === "filesystem" ? basename(storage.rootDirectory) : storage.driver;
}

/**
 * Has somebody confirm a target by its name that has files which no run of this move has written.
 *
 * @throws {UsageError} without a terminal and without `--confirm-target`, {CancelledError} at another name
 */
export async function confirmTarget(
  context: CommandContext,
  storage: StorageSettings,
  { confirmTarget: given, delete: deletes, cutover }: MigrateFlags,
): Promise<void> {
  const name = nameToConfirm(storage);
  if (given === name || given === storeName(storage)) return;
  if (given !== undefined) throw new UsageError(`--confirm-target ${given}: the target is called ${name}`);
  const what = deletes || cutover ? "overwrites and removes" : "overwrites";
  const why = `${storeName(storage)} has files of a registry that this move has not written, and this ${what} some`;
  if (!context.interactive) {
    throw new UsageError(why, { hint: `if that is meant, give --confirm-target ${name}` });
  }
  const answer = await context.askText(`${why}. Type ${name} to go on:`);
  if (answer !== name) throw new CancelledError("that is not its name; nothing was changed");
}
