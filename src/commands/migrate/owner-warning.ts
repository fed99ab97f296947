import { type Stats, statSync } from "node:fs";
import { dirname } from "node:path";
import type { ComparableConfig } from "../../config/load-config.ts";
import type { StorageSettings } from "../../config/settings.ts";
import { registryUserOf } from "../../process/machine/registry-user.ts";
import { currentUserId } from "../../process/machine/run-process.ts";

/**
 * What root writes into a folder gets the owner of the folder. A registry that runs as somebody else could not write there.
 *
 * @returns undefined if all is well, or nobody can tell
 */
export async function ownerWarning(
  config: ComparableConfig,
  target: StorageSettings,
): Promise<string | undefined> {
  if (target.driver !== "filesystem" || currentUserId() !== 0) return undefined;
  const { storage } = config.settings;
  const registry =
    storage.driver === "filesystem"
      ? nearest(storage.rootDirectory)?.uid
      : (await registryUserOf(config))?.owner.uid;
  const owner = nearest(target.rootDirectory)?.uid;
  if (registry === undefined || owner === undefined || owner === registry) return undefined;
  return (
    `what is copied to ${target.rootDirectory} will belong to user ${owner}, and the registry's files to user ${registry}: ` +
    `make the folder that user's first (chown ${registry})`
  );
}

/** Of the folder, or of the one above it in which it will be made. */
function nearest(folder: string): Stats | undefined {
  for (let path = folder; ; path = dirname(path)) {
    try {
      return statSync(path);
    } catch {
      if (path === dirname(path)) return undefined;
    }
  }
}
