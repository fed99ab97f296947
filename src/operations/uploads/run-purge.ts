import type { ProbeResult } from "../../client/write-probe.ts";
import { CancelledError, type RegistryStateError } from "../../errors.ts";
import { countOf } from "../../lib/count-of.ts";
import { isRemote, usualConcurrency } from "../../registry/remote-store.ts";
import {
  MAY_BE_IN_USE_MS,
  type PurgedUpload,
  type PurgeProgress,
  purgeUploads,
} from "../../registry/uploads/purge-uploads.ts";
import {
  acquireStoreLock,
  type LockHolder,
  type StoreLock,
  StoreLockedError,
} from "../../state/store-lock.ts";
import type { StorageDriver } from "../../storage/driver.ts";
import { readStoreTime, writeProblem } from "../gc/check-state.ts";
import { RequestMeter, readKeptVersions, versionsWarning } from "../gc/store-facts.ts";
import { writingNodesProblem } from "../nodes/writing-nodes.ts";
import { type PurgeReport, reportedUpload } from "./purge-report.ts";

/** So many failures are told one by one: where one deletion is denied, all may be. */
const MAX_FAILURES_TOLD = 10_000;

/** So many versions that a store has kept are counted: a thousand to a request. */
const COUNTED_VERSIONS = 10_000;

/** What a purge works with. */
export interface PurgeDependencies {
  driver: StorageDriver;
  /** Our clock, in milliseconds since 1970. */
  nowMs: () => number;
  holder: LockHolder;
  /** Asks whether the registry takes writes. Called only if that matters. */
  probe: () => Promise<ProbeResult>;
}

/** What somebody wants of a purge. */
export interface PurgeRunOptions {
  dryRun: boolean;
  olderThanMs: number;
  /** How many uploads are worked on at a time; undefined: as suits the store. */
  concurrency?: number | undefined;
  /** Does without the proof that nobody writes, where one is needed. */
  force: boolean;
  /** Does nothing, instead of failing, when somebody else holds the lock. */
  skipIfLocked: boolean;
  /** Why the store may not be the one that a registry on this host uses. */
  otherStores: readonly RegistryStateError[];
  onProgress?: ((progress: PurgeProgress) => void) | undefined;
  signal?: AbortSignal | undefined;
}

/**
 * Removes uploads that were abandoned. That is safe beside a registry that takes writes, as long as what was written to
 * within the last hour stays; where less is asked for, the registry has to be stopped or read-only. A dry run changes
 * nothing and never refuses: it warns of what would stop a real one.
 *
 * @throws {RegistryStateError} if it is not safe: another store, no proof that nobody writes, a held lock, clocks that differ
 * @throws {StorageUnavailableError} if nothing can be listed at all
 * @throws {CancelledError} when `signal` is aborted; what is done is done, and another run removes the rest
 */
export async function runPurge(
  dependencies: PurgeDependencies,
  options: PurgeRunOptions,
): Promise<PurgeReport> {
  return new PurgeRun(dependencies, options).run();
}

class PurgeRun {
  readonly #dependencies: PurgeDependencies;
  readonly #options: PurgeRunOptions;
  readonly #startedMs: number;
  readonly #requests: RequestMeter;
  readonly #report: PurgeReport;

  constructor(dependencies: PurgeDependencies, options: PurgeRunOptions) {
    this.#dependencies = dependencies;
    this.#options = options;
    this.#startedMs = dependencies.nowMs();
    this.#requests = new RequestMeter(dependencies.driver);
    this.#report = {
      schemaVersion: 1,
      command: "uploads purge",
      dryRun: options.dryRun,
      startedAt: new Date(this.#startedMs).toISOString(),
      olderThanSeconds: options.olderThanMs / 1000,
      kept: 0,
      purged: [],
      purgedBytes: 0,
      warnings: [],
      failed: [],
      failures: 0,
      seconds: 0,
    };
  }

  async run(): Promise<PurgeReport> {
    const { otherStores, dryRun } = this.#options;
    for (const problem of otherStores) this.#refuse(problem);
    await this.#requireNoWriter();
    if (dryRun) await this.#purge(await this.#storeTime());
    else await this.#purgeLocked();
    await this.#tellOfKeptVersions();
    const report = this.#report;
    const { requests } = this.#requests;
    if (requests) report.requests = requests;
    report.purged.sort((a, b) => (a.path < b.path ? -1 : 1));
    const untold = report.failures - report.failed.length;
    if (untold > 0) report.warnings.push(`${untold} more removals failed`);
    report.seconds = Math.round(this.#dependencies.nowMs() - this.#startedMs) / 1000;
    return report;
  }

  async #purgeLocked(): Promise<void> {
    const { driver, holder, nowMs } = this.#dependencies;
    const { warnings } = this.#report;
    let lock: StoreLock;
    try {
      lock = await acquireStoreLock(driver, holder, nowMs);
    } catch (error) {
      if (!(error instanceof StoreLockedError) || !this.#options.skipIfLocked) throw error;
      warnings.push(`nothing done: ${error.message}`);
      return;
    }
    try {
      if (lock.warning) warnings.push(`no lock was taken: ${lock.warning}`);
      await this.#purge(await this.#storeTime());
    } finally {
      await lock.release();
    }
  }

  /** Ours in a dry run on a disk, since such a store is asked for its time by a file. */
  async #storeTime(): Promise<number> {
    const { driver, nowMs } = this.#dependencies;
    if (this.#options.dryRun && !isRemote(driver)) return this.#startedMs;
    const time = await readStoreTime(driver, nowMs());
    if (time.problem) this.#refuse(time.problem);
    if (time.warning) this.#report.warnings.push(time.warning);
    return time.nowMs;
  }

  async #purge(nowMs: number): Promise<void> {
    const { driver } = this.#dependencies;
    const { dryRun, olderThanMs, onProgress, signal } = this.#options;
    const report = this.#report;
    try {
      const { found, kept, strays } = await purgeUploads(driver, {
        nowMs,
        olderThanMs,
        dryRun,
        concurrency: this.#options.concurrency ?? usualConcurrency(driver),
        onPurged: (purged) => this.#add(purged),
        onFailure: (failure) => {
          report.failures++;
          if (report.failed.length < MAX_FAILURES_TOLD) report.failed.push(failure);
        },
        onProgress,
        signal,
      });
      report.found = found;
      report.kept = kept;
      if (strays.count > 0) {
        const first = strays.first.join(", ");
        report.warnings.push(`${strays.count} things among uploads are none, and stay: ${first}`);
      }
    } catch (error) {
      throw error instanceof CancelledError ? this.#cancelled(error) : error;
    }
  }

  #add(purged: PurgedUpload): void {
    this.#report.purged.push(reportedUpload(purged));
    this.#report.purgedBytes += purged.sizeBytes;
  }

  /** What a store keeps of removed files is not free. */
  async #tellOfKeptVersions(): Promise<void> {
    if (this.#report.purged.length === 0) return;
    const kept = await readKeptVersions(this.#dependencies.driver, COUNTED_VERSIONS);
    const warning = versionsWarning(kept);
    if (warning !== undefined) this.#report.warnings.push(warning);
  }

  async #requireNoWriter(): Promise<void> {
    const { olderThanMs, force, dryRun } = this.#options;
    if (olderThanMs >= MAY_BE_IN_USE_MS || (force && !dryRun)) return;
    const { driver, holder, probe } = this.#dependencies;
    const problem =
      writeProblem(await probe()) ?? (await writingNodesProblem(driver, holder, dryRun ? 0 : undefined));
    if (problem === undefined) return;
    const { message } = problem;
    this.#refuse(
      problem,
      `${message}; what was written to within the last hour may be in use, so that --older-than must be 1h or more`,
    );
  }

  /** A dry run goes on with a warning. */
  #refuse(problem: RegistryStateError, message = problem.message): void {
    if (!this.#options.dryRun) throw problem;
    this.#report.warnings.push(`a real run would refuse: ${message}`);
  }

  #cancelled(cause: CancelledError): CancelledError {
    const { purged, dryRun } = this.#report;
    if (dryRun) return new CancelledError("stopped before everything was looked at", { cause });
    const { length } = purged;
    const done =
      length === 0 ? "before anything was removed" : `when ${countOf(length, "upload")} had been removed`;
    return new CancelledError(`stopped ${done}`, { cause, hint: "run it again to remove the rest" });
  }
}
