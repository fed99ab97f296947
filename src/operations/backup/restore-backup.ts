import { CancelledError, RegistryStateError, StorageFullError, UsageError } from "../../errors.ts";
import { messageOf } from "../../lib/message-of.ts";
import { formatBytes } from "../../lib/units.ts";
import type { Digest } from "../../oci/digest.ts";
import {
  acquireStoreLock,
  type LockHolder,
  type StoreLock,
  StoreLockedError,
} from "../../state/store-lock.ts";
import { tellsSpaceLeft } from "../../storage/abilities.ts";
import type { StorageDriver } from "../../storage/driver.ts";
import { metadataDatabaseProblem } from "../gc/check-state.ts";
import type { SnapshotId } from "./backup-layout.ts";
import { BlobCopier } from "./copy-blobs.ts";
import { type PlanningStores, planRepository, type RepositoryPlan } from "./plan-repository.ts";
import { readSnapshot, type SnapshotSummary } from "./read-snapshot.ts";
import { RecordSpool } from "./record-spool.ts";
import { addPlan, keyOf, newOutcome, type Outcome } from "./restore-outcome.ts";
import type { DifferingTag, RestoreProgress, RestoreReport } from "./restore-report.ts";
import { restoreLinks } from "./restore-repository.ts";
import type { SnapshotRepository } from "./snapshot-records.ts";
import { refuseBackups } from "./source-mark.ts";
import { LookedUpBlobs, StoredBlobs } from "./stored-blobs.ts";

const MAX_LISTED = 1000;

/** What {@link restoreBackup} works with. */
export interface RestoreDependencies {
  backup: StorageDriver;
  target: StorageDriver;
  holder: LockHolder;
  nowMs: () => number;
  signal: AbortSignal;
  onProgress: (progress: RestoreProgress) => void;
  /** Asks before tags are made to point elsewhere; throws to stop. */
  confirmOverwrite: (tags: readonly DifferingTag[], count: number) => Promise<void>;
  /** Throws if somebody may write to the target. */
  checkHeld?: (() => Promise<void>) | undefined;
  /** Keeps the times of links where the target cannot. */
  times:
    | { note(path: string, modifiedMs: number): void; write(target: StorageDriver): Promise<void> }
    | undefined;
}

/** Options of {@link restoreBackup}. */
export interface RestoreOptions {
  snapshot: SnapshotId;
  /** Only these and those below them; none: all. */
  repositories: readonly string[];
  /** Tags that point elsewhere stay as they are. */
  keepExisting: boolean;
  dryRun: boolean;
  usesMetadataDatabase: boolean;
  concurrency: number;
  spend?: ((bytes: number) => Promise<void>) | undefined;
}

/**
 * Brings back what a snapshot has, into an empty store or one in use: blobs, then links, then tags, one repository after the
 * other. What lacks a blob is not restored, and listed. Run again it goes on where it was.
 *
 * @throws {InvalidSnapshotError} before anything is changed
 * @throws {UsageError} if the snapshot has none of the repositories
 * @throws {RegistryStateError} if somebody works on one of the stores, or the target is one of backups
 */
export async function restoreBackup(
  dependencies: RestoreDependencies,
  options: RestoreOptions,
): Promise<RestoreReport> {
  return new Restoring(dependencies, options).run();
}

class Restoring {
  readonly #dependencies: RestoreDependencies;
  readonly #options: RestoreOptions;
  readonly #records = new RecordSpool();
  readonly #unusable = new Set<Digest>();
  readonly #warnings: string[] = [];
  readonly #damaged: RestoreReport["damaged"] = [];
  readonly #copied = { files: 0, bytes: 0 };
  #links = 0;
  #restored = 0;

  constructor(dependencies: RestoreDependencies, options: RestoreOptions) {
    this.#dependencies = dependencies;
    this.#options = options;
  }

  async run(): Promise<RestoreReport> {
    const { target, nowMs, signal } = this.#dependencies;
    const startedMs = nowMs();
    const summary = await this.#read();
    await refuseBackups(target);
    const database = await metadataDatabaseProblem(target, this.#options.usesMetadataDatabase);
    if (database) throw new RegistryStateError(database.message, { hint: "restore into another store" });
    const locks = this.#options.dryRun ? [] : await this.#lock();
    try {
      const planned = await this.#plan();
      if (this.#options.dryRun) return this.#report(summary, planned, startedMs);
      await this.#requireRoom(planned);
      const confirmed = new Set<string>();
      if (planned.differing.length > 0 && !this.#options.keepExisting) {
        await this.#dependencies.confirmOverwrite(
          planned.differing.slice(0, MAX_LISTED),
          planned.differing.length,
        );
        for (const tag of planned.differing) confirmed.add(keyOf(tag));
      }
      const done = await this.#apply(confirmed, locks);
      await this.#dependencies.times?.write(target);
      return this.#report(summary, done, startedMs);
    } catch (error) {
      if (!signal.aborted) throw error;
      throw new CancelledError("stopped; what is restored is complete, and the same command goes on", {
        cause: error,
      });
    } finally {
      for (const lock of locks) await lock.release();
    }
  }

  async #read(): Promise<SnapshotSummary> {
    const { backup, signal } = this.#dependencies;
    const { snapshot, repositories } = this.#options;
    const isWanted = (name: string): boolean =>
      repositories.length === 0 ||
      repositories.some((wanted) => name === wanted || name.startsWith(`${wanted}/`));
    const names = new Set<string>();
    const onRepository = (record: SnapshotRepository): void => {
      names.add(record.name);
      if (isWanted(record.name)) this.#records.push(record);
    };
    const summary = await readSnapshot(backup, snapshot, onRepository, signal);
    for (const wanted of repositories) {
      if ([...names].some((name) => name === wanted || name.startsWith(`${wanted}/`))) continue;
      throw new UsageError(`snapshot ${snapshot} has no repository ${wanted}`, {
        hint: "registry-ctl backup list --repositories shows what it has",
      });
    }
    return summary;
  }

  async #lock(): Promise<StoreLock[]> {
    const { backup, target, holder, nowMs } = this.#dependencies;
    const locks = [await acquireStoreLock(target, holder, nowMs)];
    try {
      locks.push(await acquireStoreLock(backup, holder, nowMs));
    } catch (error) {
      if (error instanceof StoreLockedError) {
        for (const lock of locks) await lock.release();
        throw error;
      }
      // Backups may lie where nobody can write any more.
      this.#warnings.push(`the store of backups could not be locked (${messageOf(error)}); went on without`);
    }
    return locks;
  }

  async #plan(): Promise<Outcome> {
    const outcome = newOutcome();
    const stores = await this.#stores();
    for (const [, record] of this.#records.entries()) {
      this.#checkStopped();
      const plan = await planRepository(record, stores);
      addPlan(outcome, plan, this.#options.keepExisting ? () => false : () => true);
      this.#tick("looking");
    }
    return outcome;
  }

  async #apply(confirmed: ReadonlySet<string>, locks: readonly StoreLock[]): Promise<Outcome> {
    const { backup, target, signal, checkHeld, times } = this.#dependencies;
    const { concurrency, spend } = this.#options;
    const outcome = newOutcome();
    const stores = await this.#stores();
    const copier = new BlobCopier(backup, target, { signal, concurrency, spend });
    let checkedMs = 0;
    const requireOurs = async (): Promise<void> => {
      this.#checkStopped();
      const nowMs = this.#dependencies.nowMs();
      for (const lock of locks) await lock.check();
      if (nowMs - checkedMs < CHECK_EVERY_MS) return;
      await checkHeld?.();
      checkedMs = nowMs;
    };
    for (const [, record] of this.#records.entries()) {
      await requireOurs();
      let plan = await planRepository(record, stores);
      const before = this.#unusable.size;
      await this.#copy(plan, copier, stores);
      // What could not be copied breaks the manifests that need it.
      if (this.#unusable.size > before) plan = await planRepository(record, stores);
      const isWritten = (tag: DifferingTag): boolean => confirmed.has(keyOf(tag));
      // Its blobs may have taken hours.
      await requireOurs();
      const tags = plan.tags.filter(({ differs }) => differs === undefined || isWritten(differs));
      this.#links += await restoreLinks(
        record.name,
        plan,
        tags.map(({ tag }) => tag),
        { target, concurrency, times },
      );
      addPlan(outcome, plan, isWritten);
      this.#restored++;
      this.#tick("restoring");
    }
    return outcome;
  }

  async #copy(plan: RepositoryPlan, copier: BlobCopier, stores: PlanningStores): Promise<void> {
    await copier.copyAll(plan.blobs, ({ digest }, outcome) => {
      if (outcome.kind === "copied") {
        stores.ofTarget.add(digest, outcome.sizeBytes);
        this.#copied.files++;
        this.#copied.bytes += outcome.sizeBytes;
      } else {
        this.#unusable.add(digest);
        if (outcome.kind === "damaged") this.#damaged.push({ digest, detail: outcome.why });
        if (outcome.kind === "failed")
          this.#warnings.push(`${digest} could not be copied: ${outcome.detail}`);
      }
      this.#tick("restoring");
    });
  }

  async #stores(): Promise<PlanningStores> {
    const { backup, target, signal } = this.#dependencies;
    const { repositories, concurrency } = this.#options;
    const isAll = repositories.length === 0;
    const blobsOf = (driver: StorageDriver): Promise<StoredBlobs> | LookedUpBlobs =>
      isAll ? StoredBlobs.list(driver, signal) : new LookedUpBlobs(driver);
    return {
      ...{ backup, target, unusable: this.#unusable, concurrency },
      ofBackup: await blobsOf(backup),
      ofTarget: await blobsOf(target),
    };
  }

  async #requireRoom({ blobs }: Outcome): Promise<void> {
    const { target } = this.#dependencies;
    if (!tellsSpaceLeft(target)) return;
    const { bytes } = await target.spaceLeft();
    const needed = [...blobs.values()].reduce((sum, sizeBytes) => sum + sizeBytes, 0);
    if (needed <= bytes) return;
    throw new StorageFullError(
      `${target.location} has ${formatBytes(bytes)} left, and ${formatBytes(needed)} are to be restored`,
      { hint: "make room, or restore some repositories with --repository" },
    );
  }

  #checkStopped(): void {
    if (this.#dependencies.signal.aborted) throw new CancelledError();
  }

  #report({ header }: SnapshotSummary, outcome: Outcome, startedMs: number): RestoreReport {
    const { backup, target, nowMs } = this.#dependencies;
    const { dryRun, snapshot } = this.#options;
    const planned = [...outcome.blobs.values()];
    return {
      ...{ schemaVersion: 1, command: "backup restore", dryRun, snapshot, createdAt: header.createdAt },
      ...{ backup: backup.location, target: target.location },
      repositories: this.#records.length,
      tags: outcome.tags,
      manifests: outcome.manifests,
      copied: dryRun
        ? { files: planned.length, bytes: planned.reduce((sum, sizeBytes) => sum + sizeBytes, 0) }
        : this.#copied,
      links: dryRun ? outcome.links : this.#links,
      overwritten: outcome.overwritten.slice(0, MAX_LISTED),
      kept: outcome.kept.slice(0, MAX_LISTED),
      lacking: outcome.lacking.slice(0, MAX_LISTED),
      damaged: this.#damaged.slice(0, MAX_LISTED),
      warnings: this.#warnings.slice(0, MAX_LISTED),
      seconds: (nowMs() - startedMs) / 1000,
    };
  }

  #tick(phase: RestoreProgress["phase"]): void {
    this.#dependencies.onProgress({
      phase,
      repositories: this.#restored,
      ofRepositories: this.#records.length,
      copied: { ...this.#copied },
    });
  }
}

/** That nobody writes is proved again so often. */
const CHECK_EVERY_MS = 60_000;
