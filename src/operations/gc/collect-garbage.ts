import { CancelledError, RegistryStateError } from "../../errors.ts";
import { formatBytes } from "../../lib/units.ts";
import { Sweep, type SweepResult } from "../../registry/apply/sweep.ts";
import { ROOT } from "../../registry/paths.ts";
import { noAmounts } from "../../registry/plan/amounts.ts";
import type { CollectionPlan } from "../../registry/plan/collection-plan.ts";
import { planCollection } from "../../registry/plan/plan-collection.ts";
import { acquireStoreLock, StoreLockedError } from "../../state/store-lock.ts";
import { hasTemporaryFiles } from "../../storage/abilities.ts";
import { emptyRootsProblem, excessiveDelete } from "./brakes.ts";
import { metadataDatabaseProblem, readStoreTime, writeProblem } from "./check-state.ts";
import type { GarbageDependencies, GarbageOptions } from "./garbage-options.ts";
import type { GarbageReport } from "./garbage-report.ts";

/** How often the registry is asked again, during the sweep, whether it takes writes. */
const PROBE_EVERY_MS = 60_000;
/** Temporary files that were last written so long ago have no writer. */
const MIN_TEMPORARY_AGE_MS = 3_600_000;

/**
 * Removes what nobody can pull: blobs and layer links that no manifest needs and, if asked for, manifests that nothing
 * leads to from a tag. A dry run changes nothing and never refuses: it warns of what would stop a real one.
 *
 * @throws {RegistryStateError} if it is not safe: a metadata database, another store, no proof that nobody writes, a
 *   held lock, clocks that differ, a store without roots, more than `maxDeletePercent`
 * @throws {CancelledError} when `signal` is aborted; what is done is done, and another run finishes
 */
export async function collectGarbage(
  dependencies: GarbageDependencies,
  options: GarbageOptions,
): Promise<GarbageReport> {
  return new Collection(dependencies, options).run();
}

class Collection {
  readonly #dependencies: GarbageDependencies;
  readonly #options: GarbageOptions;
  readonly #startedMs: number;
  readonly #warnings: string[] = [];

  constructor(dependencies: GarbageDependencies, options: GarbageOptions) {
    this.#dependencies = dependencies;
    this.#options = options;
    this.#startedMs = dependencies.nowMs();
  }

  async run(): Promise<GarbageReport> {
    const { driver, holder, nowMs } = this.#dependencies;
    const { dryRun, force, otherStores, skipIfLocked, usesMetadataDatabase } = this.#options;
    this.#refuse(await metadataDatabaseProblem(driver, usesMetadataDatabase));
    for (const problem of otherStores) this.#refuse(problem);
    if (!force || dryRun) await this.#requireNoWriter();
    if (dryRun) return this.#collect(this.#startedMs, async () => {});
    let lock: Awaited<ReturnType<typeof acquireStoreLock>>;
    try {
      lock = await acquireStoreLock(driver, holder, nowMs);
    } catch (error) {
      if (!(error instanceof StoreLockedError) || !skipIfLocked) throw error;
      this.#warnings.push(`nothing done: ${error.message}`);
      return this.#report(undefined, undefined);
    }
    try {
      if (lock.warning) this.#warnings.push(`no lock was taken: ${lock.warning}`);
      const time = await readStoreTime(driver, nowMs());
      if (time.warning) this.#warnings.push(time.warning);
      return await this.#collect(time.nowMs, () => lock.check());
    } finally {
      await lock.release();
    }
  }

  async #collect(storeNowMs: number, checkLock: () => Promise<void>): Promise<GarbageReport> {
    const options = this.#options;
    const plan = await planCollection(this.#dependencies.driver, {
      rules: {
        deleteUntagged: options.deleteUntagged,
        keepWrittenAfterMs: storeNowMs - options.graceMs,
        keepUntaggedAfterMs:
          options.untaggedForMs === undefined ? Number.POSITIVE_INFINITY : storeNowMs - options.untaggedForMs,
      },
      concurrency: options.concurrency,
      signal: options.signal,
      onProgress: (progress) => options.onProgress?.({ step: "plan", progress }),
    });
    this.#warnings.push(...plan.warnings);
    if (plan.rootsAreIncomplete) {
      this.#warnings.push("some repositories could not be listed: no blob is deleted in this run");
    }
    if (!options.allowEmpty) this.#refuse(emptyRootsProblem(plan));
    await options.onPlan?.(plan);
    await this.#brakeLargeDelete(plan);
    if (options.dryRun) return this.#report(plan, undefined);
    if (!options.force) await this.#requireNoWriter();
    const result = await this.#sweep(plan, checkLock);
    await this.#sweepTemporaryFiles(plan, storeNowMs);
    return this.#report(plan, result);
  }

  /** Removes what writers that died have left behind. Costs nothing where the scan has seen none. */
  async #sweepTemporaryFiles({ rules, temporaryFiles }: CollectionPlan, storeNowMs: number): Promise<void> {
    const { driver } = this.#dependencies;
    if (temporaryFiles === 0 || !hasTemporaryFiles(driver)) return;
    try {
      // Without grace too, nobody who may be writing is disturbed.
      const beforeMs = Math.min(rules.keepWrittenAfterMs, storeNowMs - MIN_TEMPORARY_AGE_MS);
      await driver.sweepTemporaryFiles(ROOT, beforeMs);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.#warnings.push(`temporary files were not removed: ${reason}`);
    }
  }

  async #sweep(plan: CollectionPlan, checkLock: () => Promise<void>): Promise<SweepResult> {
    const { driver, nowMs } = this.#dependencies;
    const { concurrency, force, signal, onProgress } = this.#options;
    let probedMs = nowMs();
    const sweep = new Sweep(driver, plan, {
      concurrency,
      signal,
      beforeBatch: async () => {
        await checkLock();
        if (force || nowMs() - probedMs < PROBE_EVERY_MS) return;
        await this.#requireNoWriter();
        probedMs = nowMs();
      },
      onProgress: (phase, done, total) =>
        onProgress?.({ step: "sweep", phase, done, total, overallDone: 0, overallTotal: 0 }),
    });
    try {
      return await sweep.run();
    } catch (error) {
      if (!(error instanceof CancelledError)) throw error;
      const { manifests, layerLinks, blobs, bytes } = sweep.result.deleted;
      throw new CancelledError(
        `stopped after deleting ${manifests} manifests, ${layerLinks} layer links and ${blobs} blobs (${formatBytes(bytes)})`,
        { hint: "nothing is half done; run the command again to finish", cause: error },
      );
    }
  }

  async #requireNoWriter(): Promise<void> {
    this.#refuse(writeProblem(await this.#dependencies.probe()));
  }

  async #brakeLargeDelete(plan: CollectionPlan): Promise<void> {
    const { maxDeletePercent, confirmLargeDelete, dryRun } = this.#options;
    const excess = maxDeletePercent === undefined ? undefined : excessiveDelete(plan, maxDeletePercent);
    if (excess === undefined) return;
    if (confirmLargeDelete && !dryRun)
      return confirmLargeDelete(`${excess}, more than ${maxDeletePercent}%. Go on?`);
    this.#refuse(
      new RegistryStateError(`${excess}, at most ${maxDeletePercent}% may`, {
        hint: "look at the plan with --dry-run, then give a higher --max-delete",
      }),
    );
  }

  /** A dry run goes on with a warning. */
  #refuse(problem: RegistryStateError | undefined): void {
    if (!problem) return;
    if (!this.#options.dryRun) throw problem;
    this.#warnings.push(`a real run would refuse: ${problem.message}`);
  }

  #report(plan: CollectionPlan | undefined, result: SweepResult | undefined): GarbageReport {
    const failures = (plan?.failures ?? []).map(({ path, error }) => ({
      path,
      error: error instanceof Error ? error.message : String(error),
    }));
    return {
      schemaVersion: 1,
      command: "garbage-collect",
      dryRun: this.#options.dryRun,
      startedAt: new Date(this.#startedMs).toISOString(),
      ...(plan && { found: plan.found }),
      marked: plan?.marked ?? { blobs: 0, bytes: 0 },
      eligible: plan?.eligible ?? noAmounts(),
      deleted: result?.deleted ?? noAmounts(),
      warnings: this.#warnings,
      failed: [...failures, ...(result?.failed ?? [])],
      seconds: Math.round(this.#dependencies.nowMs() - this.#startedMs) / 1000,
      phaseSeconds: { plan: 0, sweep: 0, verify: 0 },
    };
  }
}
