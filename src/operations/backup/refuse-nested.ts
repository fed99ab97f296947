import type { StorageSettings } from "../../config/settings.ts";
import { UsageError } from "../../errors.ts";
import { storePlace } from "../../state/store-identity.ts";

/**
 * Refuses a backup that lies in a registry's store, or around it: what takes the one takes the other with it.
 *
 * @throws {UsageError}
 */
export function refuseNested(registry: StorageSettings, backup: StorageSettings): void {
  const [inner, outer] = [storePlace(backup), storePlace(registry)];
  if (inner === undefined || outer === undefined) return;
  if (!inner.startsWith(outer) && !outer.startsWith(inner)) return;
  throw new UsageError("the backups and the registry's own store lie within each other", {
    hint: "keep backups in another bucket, or in a folder on another disk",
  });
}
