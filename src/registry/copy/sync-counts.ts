import type { ScannedFile } from "../../storage/abilities.ts";
import type { StoreAmounts, SyncAmounts, SyncResult } from "./sync-result.ts";
import type { SyncedKind } from "./synced-file.ts";

/** So many failures are named. */
const MAX_NAMED = 1000;

/** @returns the result of a copy that has not done anything */
export function newSyncResult(): SyncResult {
  const amounts = (): SyncAmounts => ({ files: 0, bytes: 0 });
  const store = (): StoreAmounts => ({ ...amounts(), manifests: 0, tags: 0, newestTagMs: 0 });
  return {
    ...{ source: store(), target: store() },
    ...{ copied: amounts(), serverSide: amounts(), deleted: amounts(), same: amounts() },
    ...{ left: amounts(), withheld: amounts() },
    ...{ vanished: 0, damaged: [], damagedCount: 0, failed: [], failedCount: 0 },
    ...{ deletesHeldBack: undefined, seconds: 0 },
  };
}

/** Counts one file. */
export function addFile(amounts: SyncAmounts, sizeBytes: number): void {
  amounts.files++;
  amounts.bytes += sizeBytes;
}

/** Counts one file of a store. */
export function addToStore(amounts: StoreAmounts, kind: SyncedKind, file: ScannedFile): void {
  addFile(amounts, file.sizeBytes ?? 0);
  if (kind === "revision") amounts.manifests++;
  if (kind !== "tag") return;
  amounts.tags++;
  amounts.newestTagMs = Math.max(amounts.newestTagMs, file.modifiedMs ?? 0);
}

/** Notes what could not be done. */
export function addFailure(result: SyncResult, path: string, error: string): void {
  result.failedCount++;
  if (result.failed.length < MAX_NAMED) result.failed.push({ path, error });
}
