import { subfolderNamesIfAny } from "../../registry/list-folder.ts";
import { listRepositoryLinks } from "../../registry/move/repository-links.ts";
import { originOfParked, parkedName } from "../../registry/parked.ts";
import { repositoryPath } from "../../registry/paths.ts";
import type { MoveRecord } from "../../state/move-record.ts";
import { overlaps } from "../../state/move-record.ts";
import type { StorageDriver } from "../../storage/driver.ts";

/** What is parked, as the store and the state folder tell. */
export interface ParkedMove {
  record: MoveRecord;
  /** The names that the parked repositories had. */
  repositories: string[];
  /** Nothing is remembered of it here: it was parked from another host, or the state folder was lost. */
  isUnknown: boolean;
}

/**
 * Finds what is parked in a store. The store tells what it is, so that it can be put back whatever became of the state
 * folder; the new name that it was to have is known only there.
 */
export async function findParked(
  driver: StorageDriver,
  records: readonly MoveRecord[],
): Promise<ParkedMove[]> {
  const folder = parkedName("x").slice(0, -"/x".length);
  const found = new Map<MoveRecord, ParkedMove>();
  for (const record of records) {
    if (record.kind !== "move") found.set(record, { record, repositories: [], isUnknown: false });
  }
  for (const top of await subfolderNamesIfAny(driver, repositoryPath(folder))) {
    const unknown: string[] = [];
    for await (const { name } of listRepositoryLinks(driver, `${folder}/${top}`, { isProject: true })) {
      const origin = originOfParked(name);
      if (origin === undefined) continue;
      const owner = [...found.values()].find(({ record: { old, isProject } }) =>
        overlaps({ name: old, isProject }, { name: origin, isProject: false }),
      );
      if (owner === undefined) unknown.push(origin);
      else owner.repositories.push(origin);
    }
    for (const origin of unknown) {
      const record = unknownRecord(origin);
      found.set(record, { record, repositories: [origin], isUnknown: true });
    }
  }
  return [...found.values()];
}

function unknownRecord(old: string): MoveRecord {
  const time = new Date(0).toISOString();
  return {
    ...{ schemaVersion: 1, kind: "hold", old, isProject: false, phase: "parked" },
    ...{ startedAt: time, changedAt: time, host: "", pid: 0 },
  };
}
