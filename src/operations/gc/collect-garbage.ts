import { CancelledError, type RegistryStateError } from "../../errors.ts";
import { RunLostError } from "../../registry/apply/run-lost-error.ts";
import { GateClosedError } from "../../registry/apply/slices.ts";
import type { Sweep } from "../../registry/apply/sweep.ts";
import { SweepResult } from "../../registry/apply/sweep-result.ts";
import type { CollectionPlan } from "../../registry/plan/collection-plan.ts";
import { planCollection } from "../../registry/plan/plan-collection.ts";
import { isRemote } from "../../registry/remote-store.ts";
import type { JournalHeader } from "../../state/journal.ts";
import { acquireStoreLock, type StoreLock, StoreLockedError } from "../../state/store-lock.ts";
import { writingNodesProblem } from "../nodes/writing-nodes.ts";
import { emptyRootsProblem, largeDeleteProblem } from "./brakes.ts";
import { keepWrittenAfter, metadataDatabaseProblem, readStoreTime, writeProblem } from "./check-state.ts";
import { cancelledWith, collectionReport, continuedPlan } from "./collection-report.ts";
import { finishKilledRuns, markAllFinished } from "./finish-killed-runs.ts";
import type { GarbageDependencies, GarbageOptions } from "./garbage-options.ts";
import type { CollectionPhase, GarbageReport } from "./garbage-report.ts";
import { plannedStopOf } from "./planned-stop.ts";
import { unmatchedWarnings } from "./protected-warnings.ts";
import { runSweep, unwrittenJournal } from "./run-sweep.ts";
import { RequestMeter, readKeptVersions, type VersionsReport, versionsWarning } from "./store-facts.ts";
import { sweepTemporaryFiles } from "./sweep-temporary-files.ts";

/** Temporary files that were last written so long ago have no writer. */
const MIN_TEMPORARY_AGE_MS = 3_600_000;
/** Of older versions so many are counted, a thousand by each request. */
const VERSIONS_COUNTED = 1_000_000;
const VERSIONS_COUNTED_IN_DRY_RUN = 20_000;
/** So often it is planned, if processes that serve die. */
const PLANS = 3;

/**
 * Removes what nobody can pull: blobs and layer links that no manifest needs and, if asked for, manifests that nothing
 * leads to from a tag. A dry run changes nothing and never refuses: it warns of what would stop a real one. A real run
 * finishes what earlier ones that were killed have left. With a gate it works beside a server that takes writes.
 *
 * @throws {RegistryStateError} if it is not safe: a metadata database, another store, no proof that nobody writes, a
 *   held lock, clocks that differ, a store without roots, more than `maxDeletePercent`
 * @throws {CancelledError} when `signal` is aborted with anything but a `PlannedStop`; what is done is done, and another
 *   run finishes
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
  readonly #phaseSeconds = { plan: 0, sweep: 0, verify: 0 };
  #phase: "plan" | "sweep" | "temporary files" | "verify" = "plan";
  #plan: CollectionPlan | undefined;
  /** Of all sweeps together. */
  readonly #result = new SweepResult();
  #slices = 0;
  #sweep: Pick<Sweep, "result" | "phase"> | undefined;
  #verified: GarbageReport["verified"];
  #versions: VersionsReport | undefined;
  readonly #requests: RequestMeter;

  constructor(dependencies: GarbageDependencies, options: GarbageOptions) {
    this.#dependencies = dependencies;
    this.#options = options;
    this.#requests = new RequestMeter(dependencies.driver);
    this.#startedMs = dependencies.nowMs();
  }

  async run(): Promise<GarbageReport> {
    const { dryRun, force, otherStores, usesMetadataDatabase, signal } = this.#options;
    this.#refuse(await metadataDatabaseProblem(this.#dependencies.driver, usesMetadataDatabase));
    for (const problem of otherStores) this.#refuse(problem);
    try {
      if (!force || dryRun) await this.#requireNoWriter();
      this.#requireJournal();
      if (dryRun) {
        await this.#planOnly();
      } else await this.#runLocked();
    } catch (error) {
      const planned = plannedStopOf(signal);
      if (error instanceof GateClosedError || error instanceof RunLostError) return this.#stoppedBy(error);
      if (!(error instanceof CancelledError)) throw error;
      if (!planned) throw this.#sweep || signal?.aborted ? cancelledWith(error, this.#sweep?.result) : error;
      return this.#report({ kind: planned.kind, phase: this.#reachedPhase() });
    }
    return this.#report();
  }

  async #planOnly(): Promise<void> {
    const { driver } = this.#dependencies;
    // On a disk the store's time takes a file to be written.
    const time = isRemote(driver) ? await readStoreTime(driver, this.#startedMs) : { nowMs: this.#startedMs };
    this.#refuse(time.problem);
    await this.#makePlan(time.nowMs);
    await this.#readVersions(VERSIONS_COUNTED_IN_DRY_RUN);
    await this.#verify();
  }

  async #runLocked(): Promise<void> {
    const { driver, holder, nowMs } = this.#dependencies;
    let lock: StoreLock;
    try {
      lock = await acquireStoreLock(driver, holder, nowMs);
    } catch (error) {
      if (!(error instanceof StoreLockedError) || !this.#options.skipIfLocked) throw error;
      this.#warnings.push(`nothing done: ${error.message}`);
      return;
    }
    try {
      if (lock.warning) this.#warnings.push(`no lock was taken: ${lock.warning}`);
      await this.#collectRepeatedly(lock);
    } finally {
      await lock.release();
    }
  }

  /** Where a process that serves dies, what its requests relied on is not known any more: so another plan is made. */
  async #collectRepeatedly(lock: StoreLock): Promise<void> {
    const { driver, nowMs, gate } = this.#dependencies;
    for (let plans = 1; ; plans++) {
      if (gate) await this.#requireNoWriter();
      await gate?.begin();
      const time = await readStoreTime(driver, nowMs());
      this.#refuse(time.problem);
      if (time.warning) this.#warnings.push(time.warning);
      try {
        return await this.#collect(time.nowMs, lock);
      } catch (error) {
        if (!(error instanceof RunLostError) || plans === PLANS) throw error;
        this.#warnings.push(`it was planned anew: ${error.message}`);
      }
    }
  }

  async #collect(storeNowMs: number, lock: StoreLock): Promise<void> {
    const { driver, journal, gate, nowMs } = this.#dependencies;
    const { force, graceMs } = this.#options;
    // Without grace too, nobody who may be writing is disturbed.
    const temporaryBeforeMs = storeNowMs - Math.max(graceMs, MIN_TEMPORARY_AGE_MS);
    const finished =
      journal &&
      (await finishKilledRuns(driver, journal.folder, {
        temporaryBeforeMs,
        isRunning: (header) => lock.warning !== undefined && this.#isAlive(header),
        signal: this.#options.signal,
      }));
    this.#warnings.push(...(finished?.warnings ?? []));
    const plan = await this.#makePlan(storeNowMs);
    if (!force) await this.#requireNoWriter();
    // Had the store not been mounted, nothing would have been finished.
    markAllFinished(finished?.journals ?? [], this.#startedAt);
    this.#phase = "sweep";
    await this.#timed("sweep", async () => {
      await runSweep(this.#dependencies, this.#options, plan, {
        startedAt: this.#startedAt,
        temporaryBeforeMs,
        checkLock: () => lock.check(),
        requireNoWriter: () => this.#requireNoWriter(),
        gated: gate && { gate, nowMs, nextSlice: () => ++this.#slices, plannedFromMs: storeNowMs },
        result: this.#result,
        onWarning: (warning) => void this.#warnings.push(warning),
        onStart: (sweep) => {
          this.#sweep = sweep;
        },
      });
      this.#phase = "temporary files";
      const problem = await sweepTemporaryFiles(driver, plan.temporaryFiles, temporaryBeforeMs);
      if (problem !== undefined) this.#warnings.push(problem);
      await this.#readVersions(VERSIONS_COUNTED);
    });
    await this.#verify();
  }

  async #makePlan(storeNowMs: number): Promise<CollectionPlan> {
    const options = this.#options;
    const { protectedImages } = options;
    const { driver, manifestCache, threads } = this.#dependencies;
    const plan = await this.#timed("plan", () =>
      planCollection(driver, {
        rules: {
          deleteUntagged: options.deleteUntagged,
          keepWrittenAfterMs: keepWrittenAfter(driver, storeNowMs, options.graceMs),
          agesMatter: options.graceMs > 0,
          keepUntaggedAfterMs:
            options.untaggedForMs === undefined
              ? Number.POSITIVE_INFINITY
              : keepWrittenAfter(driver, storeNowMs, options.untaggedForMs),
          ...(protectedImages && { protectedDigests: protectedImages.digests }),
        },
        onTag:
          protectedImages && ((repository, tag) => void protectedImages.protects(repository, tag, undefined)),
        concurrency: options.concurrency,
        threads: threads?.read,
        manifestCache,
        isLive: this.#dependencies.gate !== undefined,
        signal: options.signal,
        onProgress: (progress) => options.onProgress?.({ step: "plan", progress }),
      }),
    );
    this.#plan = this.#plan ? continuedPlan(this.#plan, plan, this.#result.deleted) : plan;
    this.#warnings.push(...plan.warnings, ...unmatchedWarnings(protectedImages, plan.protectedStored));
    if (plan.rootsAreIncomplete) {
      this.#warnings.push("some repositories could not be listed: no blob is deleted in this run");
    }
    if (!options.allowEmpty) this.#refuse(emptyRootsProblem(plan));
    await options.onPlan?.(plan);
    this.#refuse(await largeDeleteProblem(plan, options));
    return plan;
  }

  async #readVersions(limit: number): Promise<void> {
    this.#versions = await readKeptVersions(this.#dependencies.driver, limit);
    const warning = versionsWarning(this.#versions);
    if (warning !== undefined) this.#warnings.push(warning);
  }

  async #verify(): Promise<void> {
    const { verifyAfter } = this.#options;
    if (!verifyAfter) return;
    this.#phase = "verify";
    this.#verified = await this.#timed("verify", verifyAfter);
  }

  #isAlive({ bootId, pid, pidNamespace }: JournalHeader): boolean {
    const { holder } = this.#dependencies;
    return bootId === holder.bootId && pidNamespace === holder.pidNamespace && holder.isAlive(pid);
  }

  async #timed<T>(part: "plan" | "sweep" | "verify", work: () => Promise<T>): Promise<T> {
    const beganMs = this.#dependencies.nowMs();
    try {
      return await work();
    } finally {
      this.#phaseSeconds[part] = Math.round(this.#dependencies.nowMs() - beganMs) / 1000;
    }
  }

  /** Or, with a gate, no writer but those behind it. */
  async #requireNoWriter(): Promise<void> {
    const { driver, gate, holder, probe, requireNoOtherServer } = this.#dependencies;
    if (gate) return await requireNoOtherServer?.();
    const waitMs = this.#options.dryRun ? 0 : undefined;
    // The address that is asked tells nothing of other hosts.
    this.#refuse(writeProblem(await probe()) ?? (await writingNodesProblem(driver, holder, waitMs)));
  }

  #requireJournal(): void {
    const { driver, gate, journal } = this.#dependencies;
    if (gate && !journal && !this.#options.dryRun && isRemote(driver))
      this.#refuse(unwrittenJournal("there is no state folder"));
  }

  /** The server could not go on with it: what is done is done, and another run finishes. */
  #stoppedBy({ message }: GateClosedError | RunLostError): GarbageReport {
    this.#warnings.push(`stopped early: ${message}`);
    return this.#report({ kind: "server", phase: this.#reachedPhase() });
  }

  /** A dry run goes on with a warning. */
  #refuse(problem: RegistryStateError | undefined): void {
    if (!problem) return;
    if (!this.#options.dryRun) throw problem;
    this.#warnings.push(`a real run would refuse: ${problem.message}`);
  }

  #reachedPhase(): CollectionPhase {
    return this.#phase === "sweep" ? (this.#sweep?.phase ?? "tag history") : this.#phase;
  }

  get #startedAt(): string {
    return new Date(this.#startedMs).toISOString();
  }

  #report(stopped?: GarbageReport["stopped"]): GarbageReport {
    return collectionReport({
      dryRun: this.#options.dryRun,
      startedAt: this.#startedAt,
      plan: this.#plan,
      result: this.#sweep?.result,
      isGated: this.#dependencies.gate !== undefined,
      warnings: this.#warnings,
      stopped,
      verified: this.#verified,
      versions: this.#versions,
      requests: this.#requests.requests,
      journal: this.#dependencies.journal?.path,
      seconds: Math.round(this.#dependencies.nowMs() - this.#startedMs) / 1000,
      phaseSeconds: this.#phaseSeconds,
    });
  }
}
