import { CancelledError, RegistryStateError } from "../../errors.ts";
import { ROOT } from "../../registry/paths.ts";
import { acquireStoreLock, type LockHolder, type StoreLock } from "../../state/store-lock.ts";
import type { StorageDriver } from "../../storage/driver.ts";
import { metadataDatabaseProblem } from "../gc/check-state.ts";
import { newSnapshotId } from "./backup-layout.ts";
import type { BackupProgress, BackupReport } from "./backup-report.ts";
import { BackupRun } from "./backup-run.ts";
import { claimBackups, refuseOtherContent } from "./source-mark.ts";
import { StoredBlobs } from "./stored-blobs.ts";

/** What {@link createBackup} works with. */
export interface CreateDependencies {
  /** The registry's store, which is only read. */
  source: StorageDriver;
  /** The store of backups. */
  backup: StorageDriver;
  holder: LockHolder;
  nowMs: () => number;
  /** @returns eight lower-case hexadecimal digits that no other snapshot has */
  random: () => string;
  signal: AbortSignal;
  onProgress: (progress: BackupProgress) => void;
}

/** Options of {@link createBackup}. */
export interface CreateOptions {
  /** As `storeIdentity` and `storeName` give it. */
  sourceIdentity: string;
  sourceName: string;
  metadataOnly: boolean;
  tagsOnly: boolean;
  /** Writes no snapshot if anything of it is damaged or could not be had. */
  strict: boolean;
  /** The backups may be of another store, which the registry had before. */
  isMoved: boolean;
  /** An empty registry is backed up too. */
  allowEmpty: boolean;
  usesMetadataDatabase: boolean;
  concurrency: number;
  /** Waits until so many more bytes may be moved. */
  spend?: ((bytes: number) => Promise<void>) | undefined;
}

/**
 * Takes a backup of a registry that may be in use: reads all tags and the closure of each, copies the blobs that the store of
 * backups lacks, and writes the snapshot last. Ended before that, it leaves blobs that the next run has no more to copy.
 *
 * @throws {RegistryStateError} if another backup is at work there, it holds something else, or the registry is empty
 */
export async function createBackup(
  dependencies: CreateDependencies,
  options: CreateOptions,
): Promise<BackupReport> {
  const { source, backup, holder, nowMs, signal } = dependencies;
  const startedMs = nowMs();
  const database = await metadataDatabaseProblem(source, options.usesMetadataDatabase);
  if (database) {
    throw new RegistryStateError(database.message, {
      hint: "back up the database and the store by other means",
    });
  }
  const { sourceIdentity: identity, sourceName: name, isMoved } = options;
  const owner = { identity, name, isMoved };
  await refuseOtherContent(backup, owner);
  const lock = await acquireStoreLock(backup, holder, nowMs);
  try {
    await claimBackups(backup, source, owner);
    const stored = await StoredBlobs.list(backup, signal);
    const run = new BackupRun(dependencies, options, stored);
    await run.takeLinks();
    if (run.isEmpty && !options.allowEmpty) throw await emptySource(options.sourceName, run);
    if (!options.metadataOnly) {
      await run.copyLayers();
      await run.takeAgain();
    }
    await run.settle();
    const id = newSnapshotId(startedMs, dependencies.random());
    const isRefused = options.strict && run.problems.count > 0;
    if (!isRefused) {
      await lock.check();
      await run.writeSnapshot(id, startedMs);
    }
    return {
      ...{ schemaVersion: 1, command: "backup create", source: options.sourceName },
      backup: backup.location,
      snapshot: isRefused ? undefined : id,
      metadataOnly: options.metadataOnly,
      tagsOnly: options.tagsOnly,
      counts: run.counts,
      copied: run.copied,
      problems: run.problems.first,
      problemCount: run.problems.count,
      damagedCount: run.problems.damaged,
      warnings: warningsOf(run, lock),
      seconds: (nowMs() - startedMs) / 1000,
    };
  } catch (error) {
    if (!signal.aborted) throw error;
    throw new CancelledError(
      "stopped; no snapshot was written, and the next run goes on with what is copied",
      {
        cause: error,
      },
    );
  } finally {
    await lock.release();
  }
}

function warningsOf(run: BackupRun, lock: StoreLock): string[] {
  return [...run.warnings, ...(lock.warning === undefined ? [] : [`${lock.warning}; went on without`])];
}

async function emptySource(name: string, { problems }: BackupRun): Promise<RegistryStateError> {
  const why = problems.count > 0 ? ": its folders cannot be listed" : "";
  return new RegistryStateError(`${name} has no repositories below ${ROOT}${why}`, {
    hint: "check whether its disk is mounted; --allow-empty backs up an empty registry",
  });
}
