import { CancelledError } from "../../errors.ts";
import type { StorageDriver } from "../../storage/driver.ts";
import { type SnapshotId, snapshotTimeMs } from "./backup-layout.ts";
import { listSnapshotIds } from "./choose-snapshot.ts";
import { InvalidSnapshotError, readSnapshot } from "./read-snapshot.ts";
import type { SnapshotCounts } from "./snapshot-records.ts";
import { requireBackups } from "./source-mark.ts";

/** One snapshot of a list. */
export interface ListedSnapshot {
  id: SnapshotId;
  /** When its tags were read, ISO 8601, UTC. */
  createdAt: string;
  /** Undefined: it cannot be used. */
  counts?: SnapshotCounts;
  metadataOnly?: boolean;
  tagsOnly?: boolean;
  /** What could not be had when it was taken. */
  problemCount?: number;
  /** Repositories with their tags, if they were asked for. */
  repositories?: { name: string; tags: number; manifests: number }[];
  /** Why it cannot be used. */
  damage?: string;
}

/** The snapshots of a store; the body of the JSON of `backup list`. */
export interface BackupList {
  schemaVersion: 1;
  command: "backup list";
  backup: string;
  /** What people call the store that was backed up. */
  source: string;
  /** The oldest first. */
  snapshots: ListedSnapshot[];
}

/** Reads each snapshot to its end, so that a damaged one is told. */
export async function listBackups(
  driver: StorageDriver,
  { repositories, signal }: { repositories: boolean; signal: AbortSignal },
): Promise<BackupList> {
  const { source } = await requireBackups(driver);
  const snapshots: ListedSnapshot[] = [];
  for (const id of await listSnapshotIds(driver)) {
    if (signal.aborted) throw new CancelledError();
    snapshots.push(await describe(driver, id, { repositories, signal }));
  }
  return { schemaVersion: 1, command: "backup list", backup: driver.location, source, snapshots };
}

async function describe(
  driver: StorageDriver,
  id: SnapshotId,
  { repositories, signal }: { repositories: boolean; signal: AbortSignal },
): Promise<ListedSnapshot> {
  const createdAt = new Date(snapshotTimeMs(id)).toISOString();
  const found: { name: string; tags: number; manifests: number }[] = [];
  try {
    const { header, end } = await readSnapshot(
      driver,
      id,
      ({ name, tags, manifests }) => {
        if (repositories) found.push({ name, tags: tags.length, manifests: manifests.length });
      },
      signal,
    );
    const { metadataOnly, tagsOnly } = header;
    const { counts, problemCount } = end;
    const told = { id, createdAt: header.createdAt, counts, metadataOnly, tagsOnly, problemCount };
    return repositories ? { ...told, repositories: found } : told;
  } catch (error) {
    if (error instanceof InvalidSnapshotError) return { id, createdAt, damage: error.reason };
    throw error;
  }
}
