import { CancelledError, RegistryStateError } from "../../errors.ts";
import { messageOf } from "../../lib/message-of.ts";
import type { Digest } from "../../oci/digest.ts";
import { DigestTable } from "../../registry/graph/digest-table.ts";
import { BLOBS_ROOT, classifyPath, parentOf } from "../../registry/paths.ts";
import { scanFiles } from "../../registry/scan/scan-files.ts";
import { deleteIfThere, removeIfEmpty, statSmallFile } from "../../registry/small-file.ts";
import { acquireStoreLock, type LockHolder, type StoreLock } from "../../state/store-lock.ts";
import { canDeleteMany, hasTemporaryFiles, type ScannedFile } from "../../storage/abilities.ts";
import type { StorageDriver } from "../../storage/driver.ts";
import { readStoreTime } from "../gc/check-state.ts";
import { BACKUP_ROOT, type SnapshotId, snapshotPath, snapshotTimeMs } from "./backup-layout.ts";
import { listSnapshotIds, listUnknownNames } from "./choose-snapshot.ts";
import { InvalidSnapshotError, readSnapshot } from "./read-snapshot.ts";
import { refuseRegistry, requireBackups } from "./source-mark.ts";

const BATCH_FILES = 1000;
/** No write takes so long. */
const TEMPORARY_MS = 7 * 24 * 3_600_000;

/** What {@link pruneBackups} works with. */
export interface PruneDependencies {
  backup: StorageDriver;
  holder: LockHolder;
  nowMs: () => number;
  signal: AbortSignal;
  onProgress: (progress: { phase: "reading" | "removing"; files: number }) => void;
  /** Asks before anything is removed; throws to stop. */
  confirm: (plan: PrunePlan) => Promise<void>;
}

/**
 * Options of {@link pruneBackups}: what either of them keeps stays. The newest snapshot always does, and the newest one with
 * configs and layers.
 */
export interface PruneOptions {
  /** The newest so many. */
  keepLast: number | undefined;
  /** Those that are no older. */
  keepWithinMs: number | undefined;
  /** Blobs that are no older stay, for a run that was ended to go on with. */
  graceMs: number;
  dryRun: boolean;
}

/** What is to go. */
export interface PrunePlan {
  kept: SnapshotId[];
  removed: SnapshotId[];
  blobs: { files: number; bytes: number };
}

/** What was removed, or would be; the body of the JSON of `backup prune`. */
export interface PruneReport extends PrunePlan {
  schemaVersion: 1;
  command: "backup prune";
  backup: string;
  dryRun: boolean;
  failed: { path: string; error: string }[];
  failedCount: number;
  warnings: string[];
  seconds: number;
}

/**
 * Removes old snapshots, and then the blobs that none of the others needs. All that stay are read before: if one of them cannot
 * be, nothing is removed, as nobody knows what it needs.
 *
 * @throws {InvalidSnapshotError} with nothing changed
 * @throws {StoreLockedError} if a backup is being taken or restored
 */
export async function pruneBackups(
  dependencies: PruneDependencies,
  options: PruneOptions,
): Promise<PruneReport> {
  const { backup, holder, nowMs, signal } = dependencies;
  const startedMs = nowMs();
  await requireBackups(backup);
  await refuseRegistry(backup);
  const lock = options.dryRun ? undefined : await acquireStoreLock(backup, holder, nowMs);
  try {
    const report = await prune(dependencies, options, lock);
    return { ...report, seconds: (nowMs() - startedMs) / 1000 };
  } catch (error) {
    if (!signal.aborted) throw error;
    throw new CancelledError("stopped; what is left of the blobs goes with the next run", { cause: error });
  } finally {
    await lock?.release();
  }
}

async function prune(
  dependencies: PruneDependencies,
  options: PruneOptions,
  lock: StoreLock | undefined,
): Promise<PruneReport> {
  const { backup, nowMs, signal, onProgress } = dependencies;
  const time = await readStoreTime(backup, nowMs());
  if (time.problem) throw time.problem;
  await refuseUnknownNames(backup);
  const ids = await listSnapshotIds(backup);
  const kept = await withLayers(dependencies, ids, keptOf(ids, options, time.nowMs));
  const removed = ids.filter((id) => !kept.includes(id));
  const needed = new DigestTable();
  for (const id of kept) await addNeeds(needed, backup, id, signal);
  const files: { path: string; sizeBytes: number }[] = [];
  for await (const file of unneeded(backup, needed, time.nowMs - options.graceMs, signal)) {
    files.push(file);
    onProgress({ phase: "reading", files: files.length });
  }
  const blobs = { files: files.length, bytes: files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) };
  const report: PruneReport = {
    ...{ schemaVersion: 1, command: "backup prune", backup: backup.location, dryRun: options.dryRun },
    ...{ kept, removed, blobs, failed: [], failedCount: 0, seconds: 0 },
    warnings: [lock?.warning, time.warning].filter((text) => text !== undefined),
  };
  if (options.dryRun || removed.length + files.length === 0) return report;
  await dependencies.confirm({ kept, removed, blobs });
  await lock?.check();
  for (const id of removed) await deleteIfThere(backup, snapshotPath(id));
  await removeBlobs(dependencies, files, lock, report);
  if (hasTemporaryFiles(backup)) {
    await backup.sweepTemporaryFiles(BACKUP_ROOT, time.nowMs - TEMPORARY_MS);
    await backup.sweepTemporaryFiles(BLOBS_ROOT, time.nowMs - TEMPORARY_MS);
  }
  return report;
}

function keptOf(
  ids: readonly SnapshotId[],
  { keepLast = 0, keepWithinMs }: PruneOptions,
  nowMs: number,
): SnapshotId[] {
  const oldestMs = keepWithinMs === undefined ? Number.POSITIVE_INFINITY : nowMs - keepWithinMs;
  const newest = new Set(ids.slice(-Math.max(1, keepLast)));
  return ids.filter((id) => newest.has(id) || snapshotTimeMs(id) >= oldestMs);
}

/** Snapshots of metadata alone are of no use when the layers have gone with the last one that had them. */
async function withLayers(
  { backup, signal }: PruneDependencies,
  ids: readonly SnapshotId[],
  kept: readonly SnapshotId[],
): Promise<SnapshotId[]> {
  for (const id of [...ids.filter((each) => !kept.includes(each)), ...kept].reverse()) {
    try {
      const { header } = await readSnapshot(backup, id, () => undefined, signal);
      if (!header.metadataOnly) return ids.filter((each) => each === id || kept.includes(each));
    } catch (error) {
      // One that is to stay is read again, and stops the run then.
      if (!(error instanceof InvalidSnapshotError)) throw error;
    }
  }
  return [...kept];
}

/** @throws {RegistryStateError} if somebody has given a snapshot another name: its blobs would go */
async function refuseUnknownNames(backup: StorageDriver): Promise<void> {
  const [unknown] = await listUnknownNames(backup);
  if (unknown === undefined) return;
  throw new RegistryStateError(`${unknown} is no snapshot by its name, and nobody knows what it needs`, {
    hint: "give it back the name that it had, or move it out of that folder",
  });
}

async function addNeeds(
  needed: DigestTable,
  backup: StorageDriver,
  id: SnapshotId,
  signal: AbortSignal,
): Promise<void> {
  // A snapshot of metadata alone needs no layers; that they stay while others need them is enough.
  const layers: Digest[] = [];
  const { header } = await readSnapshot(
    backup,
    id,
    (record) => {
      for (const { digest } of record.manifests) needed.intern(digest);
      for (const { storedAs } of record.layers) layers.push(storedAs);
    },
    signal,
  );
  if (!header.metadataOnly) for (const digest of layers) needed.intern(digest);
}

async function* unneeded(
  backup: StorageDriver,
  needed: DigestTable,
  writtenBeforeMs: number,
  signal: AbortSignal,
): AsyncGenerator<{ path: string; sizeBytes: number }> {
  const onFailure = (): void => undefined;
  for await (const batch of scanFiles(backup, BLOBS_ROOT, { onFailure, signal })) {
    for (const file of batch) {
      const entry = classifyPath(file.path);
      if (entry.kind !== "blob") continue;
      const before = needed.size;
      needed.intern(entry.digest);
      if (needed.size === before) continue;
      const { sizeBytes, modifiedMs } = await infoOf(backup, file);
      if (modifiedMs < writtenBeforeMs) yield { path: file.path, sizeBytes };
    }
  }
}

async function infoOf(
  backup: StorageDriver,
  { path, sizeBytes, modifiedMs }: ScannedFile,
): Promise<{ sizeBytes: number; modifiedMs: number }> {
  if (sizeBytes !== undefined && modifiedMs !== undefined) return { sizeBytes, modifiedMs };
  return (await statSmallFile(backup, path)) ?? { sizeBytes: 0, modifiedMs: Number.POSITIVE_INFINITY };
}

async function removeBlobs(
  { backup, signal, onProgress }: PruneDependencies,
  files: readonly { path: string }[],
  lock: StoreLock | undefined,
  report: PruneReport,
): Promise<void> {
  for (let start = 0; start < files.length; start += BATCH_FILES) {
    if (signal.aborted) throw new CancelledError();
    await lock?.check();
    const paths = files.slice(start, start + BATCH_FILES).map(({ path }) => path);
    for (const { path, error } of await removeAll(backup, paths)) {
      report.failedCount++;
      if (report.failed.length < BATCH_FILES) report.failed.push({ path, error: messageOf(error) });
    }
    for (const path of paths) {
      await removeIfEmpty(backup, parentOf(path)).catch(() => undefined);
      await removeIfEmpty(backup, parentOf(parentOf(path))).catch(() => undefined);
    }
    onProgress({ phase: "removing", files: start + paths.length });
  }
}

async function removeAll(
  backup: StorageDriver,
  paths: readonly string[],
): Promise<{ path: string; error: unknown }[]> {
  if (canDeleteMany(backup)) return backup.deleteMany(paths);
  const failed: { path: string; error: unknown }[] = [];
  for (const path of paths) {
    await deleteIfThere(backup, path).catch((error: unknown) => failed.push({ path, error }));
  }
  return failed;
}
