import { PathNotFoundError, RegistryStateError } from "../errors.ts";
import { LOCKFILES_ROOT } from "../registry/paths.ts";
import type { StorageDriver } from "../storage/driver.ts";

const HINT =
  "use GitLab's own registry for it, or export the database's state back to storage first; what is in storage is not the truth there";

/**
 * Refuses a registry whose truth is in GitLab's metadata database: the links in its storage are old or missing, so
 * serving from them would show and delete the wrong things.
 * @throws {RegistryStateError}
 */
export async function refuseMetadataDatabase(
  config: { usesMetadataDatabase: boolean },
  storage: StorageDriver,
): Promise<void> {
  if (config.usesMetadataDatabase) {
    throw new RegistryStateError(
      "the configuration has database.enabled: this registry keeps its metadata in a database",
      {
        hint: HINT,
      },
    );
  }
  const lockFile = `${LOCKFILES_ROOT}/database-in-use`;
  try {
    await storage.stat(lockFile);
  } catch (error) {
    if (error instanceof PathNotFoundError) return;
    throw error;
  }
  throw new RegistryStateError(
    `${storage.location} has ${lockFile}: this registry keeps its metadata in a database`,
    { hint: HINT },
  );
}
