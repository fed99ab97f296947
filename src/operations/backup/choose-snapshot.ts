import { PathNotFoundError, UsageError } from "../../errors.ts";
import type { FileInfo, StorageDriver } from "../../storage/driver.ts";
import { SNAPSHOTS_ROOT, type SnapshotId, snapshotAt, snapshotTimeMs } from "./backup-layout.ts";

/** @returns the snapshots of a store of backups, the oldest first */
export async function listSnapshotIds(driver: StorageDriver): Promise<SnapshotId[]> {
  return (await childrenOf(driver))
    .flatMap(({ path, isFolder }) => (isFolder ? [] : (snapshotAt(path) ?? [])))
    .sort();
}

/** @returns the paths of what lies among the snapshots and is not called like one */
export async function listUnknownNames(driver: StorageDriver): Promise<string[]> {
  return (await childrenOf(driver)).flatMap(({ path }) => (snapshotAt(path) === undefined ? [path] : []));
}

async function childrenOf(driver: StorageDriver): Promise<FileInfo[]> {
  try {
    return await driver.list(SNAPSHOTS_ROOT);
  } catch (error) {
    if (error instanceof PathNotFoundError) return [];
    throw error;
  }
}

/**
 * @param ids - the oldest first
 * @param wanted - a name, what it begins or ends with, or a time, in milliseconds since 1970, at which it was the latest one;
 *   neither: the latest
 * @throws {UsageError} if there is none such, or more than one
 */
export function chooseSnapshot(
  ids: readonly SnapshotId[],
  { name, atMs }: { name: string | undefined; atMs: number | undefined },
): SnapshotId {
  const hint = "registry-ctl backup list shows them";
  if (name === undefined) {
    const latest = ids.findLast((id) => atMs === undefined || snapshotTimeMs(id) <= atMs);
    if (latest !== undefined) return latest;
    const when = atMs === undefined ? "" : ` of ${new Date(atMs).toISOString()} or before`;
    throw new UsageError(`there is no snapshot${when}`, { hint });
  }
  const found = ids.filter((id) => id === name || id.startsWith(name) || id.endsWith(`-${name}`));
  const [only, second] = found;
  if (only === undefined) throw new UsageError(`there is no snapshot ${JSON.stringify(name)}`, { hint });
  if (second !== undefined && only !== name) {
    throw new UsageError(`${JSON.stringify(name)} may be ${found.length} snapshots`, { hint });
  }
  return only;
}
