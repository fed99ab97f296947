import { CancelledError, RegistryStateError } from "../../../errors.ts";
import { countOf } from "../../../lib/count-of.ts";
import { acquireStoreLock, type StoreLock } from "../../../state/store-lock.ts";
import { metadataDatabaseProblem, writeProblem } from "../../gc/check-state.ts";
import { RequestMeter } from "../../gc/store-facts.ts";
import { writingNodesProblem } from "../../nodes/writing-nodes.ts";
import { verifyRegistry } from "../verify-registry.ts";
import type { VerifyReport } from "../verify-report.ts";
import { applyRepair, type StepOutcome } from "./apply-repair.ts";
import { DamageLog } from "./damage-log.ts";
import { planRepair } from "./plan-repair.ts";
import type { RepairDependencies, RepairOptions } from "./repair-options.ts";
import type { RepairReport, StepCounts } from "./repair-report.ts";
import type { LeftDamage, RepairPlan, RepairStep } from "./repair-step.ts";
import { RepairTally } from "./repair-tally.ts";

/** A manifest that was fetched may need others: so often the store is looked at again, at the most. */
const MAX_ROUNDS = 10;
/** How often the registry is asked again, during the repair, whether it takes writes. */
const ASK_EVERY_MS = 60_000;
const LEFT_TOLD = 1000;

/**
 * Mends what a verification finds wrong, as far as it is certain what is right: a look at the whole store, a plan, its steps,
 * and another look, until there is nothing more to do. A dry run changes nothing and never refuses: it warns of what would
 * stop a real one. Whatever stops it, each step that was done is whole, and another run does the rest.
 *
 * @throws {RegistryStateError} if it is not safe: a metadata database, another store, no proof that nobody writes, a held lock
 * @throws {StorageUnavailableError} if the store does not answer any more
 * @throws {CancelledError} when `signal` is aborted
 */
export async function repairRegistry(
  dependencies: RepairDependencies,
  options: RepairOptions,
): Promise<RepairReport> {
  return new Repair(dependencies, options).run();
}

class Repair {
  readonly #dependencies: RepairDependencies;
  readonly #options: RepairOptions;
  readonly #startedMs: number;
  readonly #requests: RequestMeter;
  readonly #warnings: string[] = [];
  readonly #tally = new RepairTally();
  /** By path. */
  readonly #failed = new Set<string>();
  /** By what it says, since each round finds it again. */
  readonly #left = new Map<string, LeftDamage>();
  #tags: RepairPlan["tags"] = [];
  #found: VerifyReport | undefined;
  #askedMs = 0;

  constructor(dependencies: RepairDependencies, options: RepairOptions) {
    this.#dependencies = dependencies;
    this.#options = options;
    this.#startedMs = dependencies.nowMs();
    this.#requests = new RequestMeter(dependencies.driver);
  }

  async run(): Promise<RepairReport> {
    const { dryRun, otherStores, usesMetadataDatabase } = this.#options;
    const { driver, journal } = this.#dependencies;
    this.#refuse(databaseProblem(await metadataDatabaseProblem(driver, usesMetadataDatabase)));
    for (const problem of otherStores) this.#refuse(problem);
    await this.#requireNoWriter();
    let end: "done" | "stopped" | "failed" = "failed";
    try {
      if (dryRun) await this.#look(1);
      else await this.#repairLocked();
      end = "done";
    } catch (error) {
      if (!(error instanceof CancelledError)) throw error;
      end = "stopped";
      throw this.#cancelled(error);
    } finally {
      journal?.end(end);
    }
    return this.#report();
  }

  async #repairLocked(): Promise<void> {
    const { driver, holder, nowMs } = this.#dependencies;
    const lock = await acquireStoreLock(driver, holder, nowMs);
    try {
      if (lock.warning) this.#warnings.push(`no lock was taken: ${lock.warning}`);
      for (let round = 1; round <= MAX_ROUNDS; round++) {
        const plan = await this.#look(round);
        if (plan.steps.length === 0) return;
        await this.#apply(plan, lock);
      }
      // What the last of them has left.
      await this.#look(MAX_ROUNDS + 1);
    } finally {
      await lock.release();
    }
  }

  /** Blobs are hashed the first time only: what is fetched afterwards is checked on its way. */
  async #look(round: number): Promise<RepairPlan> {
    const { driver, source, threads, nowMs } = this.#dependencies;
    const { checksumPercent, concurrency, signal, onProgress, onPlan } = this.#options;
    const damages = new DamageLog();
    const found = await verifyRegistry(
      {
        ...{ driver, threads, nowMs, signal },
        onProgress: (progress) => onProgress({ step: "look", progress }),
        onDamage: (damage) => damages.add(damage),
      },
      {
        checksumPercent: round === 1 ? checksumPercent : undefined,
        ...{ repositories: [], concurrency, usesMetadataDatabase: false },
      },
    );
    this.#found = found;
    for (const warning of found.warnings) this.#warn(warning);
    const plan = await planRepair(damages, {
      ...{ driver, source, concurrency, signal },
      sawEverything: found.uncheckedCount === 0,
      failed: this.#failed,
    });
    this.#tags = plan.tags;
    for (const tag of plan.tags) {
      tag.audit = await this.#dependencies.auditOf(tag.repository, tag.tag).catch(() => []);
    }
    if (round === 1) for (const left of plan.left) this.#left.set(left.message, left);
    else this.#keepLeft(plan.left);
    this.#tally.plan(plan.steps);
    if (plan.isIncomplete) this.#warn("there is more to repair than one look keeps: run it again");
    if (plan.steps.length > 0) await onPlan(plan, round);
    return plan;
  }

  /** What was hashed the first time is not found again: it stays so. */
  #keepLeft(left: readonly LeftDamage[]): void {
    const damagedBlobs = [...this.#left].filter(([message]) => message.includes("is damaged"));
    this.#left.clear();
    for (const [message, damage] of damagedBlobs) this.#left.set(message, damage);
    for (const damage of left) this.#left.set(damage.message, damage);
  }

  async #apply(plan: RepairPlan, lock: StoreLock): Promise<void> {
    const { driver, holder, journal, nowMs, source, version } = this.#dependencies;
    const { concurrency, signal, onProgress } = this.#options;
    await this.#requireNoWriter();
    this.#askedMs = nowMs();
    const startedAt = this.#startedAt;
    journal?.start({ command: "verify --repair", version, startedAt, holder });
    const total = plan.steps.length;
    let ended = 0;
    await applyRepair(plan.steps, {
      ...{ driver, source, concurrency, signal },
      beforeStep: async (step) => {
        await lock.check();
        if (Math.abs(nowMs() - this.#askedMs) >= ASK_EVERY_MS) {
          this.#askedMs = nowMs();
          await this.#requireNoWriter();
        }
        journal?.write({ step: journaled(step) });
      },
      onOutcome: (step, outcome) => {
        journal?.write({ path: step.path, ...outcome });
        this.#take(step, outcome);
        onProgress({ step: "repair", done: ++ended, total, bytes: this.#tally.bytes });
      },
    });
    if (journal?.problem !== undefined) this.#warn(`the journal is incomplete: ${journal.problem}`);
  }

  #take(step: RepairStep, outcome: StepOutcome): void {
    this.#tally.take(step, outcome);
    if (outcome.outcome === "failed") this.#failed.add(step.path);
  }

  /** A dry run goes on with a warning. */
  #refuse(problem: RegistryStateError | undefined): void {
    if (!problem) return;
    if (!this.#options.dryRun) throw problem;
    this.#warn(`a real run would refuse: ${problem.message}`);
  }

  async #requireNoWriter(): Promise<void> {
    if (this.#options.dryRun && this.#options.wouldHold) return;
    const { driver, holder, probe } = this.#dependencies;
    const waitMs = this.#options.dryRun ? 0 : undefined;
    this.#refuse(writeProblem(await probe()) ?? (await writingNodesProblem(driver, holder, waitMs)));
  }

  #warn(text: string): void {
    if (!this.#warnings.includes(text)) this.#warnings.push(text);
  }

  #cancelled(cause: CancelledError): CancelledError {
    const { doneCount } = this.#tally;
    if (doneCount === 0) return new CancelledError("stopped before anything was changed", { cause });
    return new CancelledError(`stopped when ${countOf(doneCount, "step")} had been done`, {
      cause,
      hint: "run it again for the rest",
    });
  }

  get #startedAt(): string {
    return new Date(this.#startedMs).toISOString();
  }

  #report(): RepairReport {
    const { source, journal, nowMs } = this.#dependencies;
    const found = this.#found;
    const left = [...this.#left.values()];
    const { requests } = this.#requests;
    const planned: StepCounts = this.#tally.planned;
    return {
      schemaVersion: 1,
      command: "verify --repair",
      dryRun: this.#options.dryRun,
      startedAt: this.#startedAt,
      ...(source ? { from: source.name } : {}),
      planned,
      done: this.#tally.done,
      bytes: this.#options.dryRun ? this.#tally.plannedBytes : this.#tally.bytes,
      stepCount: this.#tally.stepCount,
      steps: this.#tally.steps,
      failures: this.#tally.failures,
      left: left.slice(0, LEFT_TOLD),
      leftCount: left.length,
      unreadableTags: this.#tags,
      found: {
        problemCount: found?.problemCount ?? 0,
        counts: found?.counts ?? {},
        problems: found?.problems ?? [],
        uncheckedCount: found?.uncheckedCount ?? 0,
        unchecked: found?.unchecked ?? [],
      },
      warnings: this.#warnings,
      ...(journal?.path === undefined ? {} : { journal: journal.path }),
      ...(requests ? { requests } : {}),
      seconds: Math.round(nowMs() - this.#startedMs) / 1000,
    };
  }
}

function databaseProblem(problem: RegistryStateError | undefined): RegistryStateError | undefined {
  return (
    problem &&
    new RegistryStateError(problem.message, {
      hint: "mend it with the tools of the registry that has the database, or push again what verify names; verify without --repair works",
    })
  );
}

/** What a journal tells of a step: enough to know what stood there before. */
function journaled(step: RepairStep): Record<string, unknown> {
  const { kind, path, digest } = step;
  return {
    kind,
    path,
    digest,
    ...(step.kind === "rewrite-link" ? { was: step.was } : {}),
    ...(step.kind === "fetch-blob" && step.wasBytes !== undefined ? { wasBytes: step.wasBytes } : {}),
  };
}
