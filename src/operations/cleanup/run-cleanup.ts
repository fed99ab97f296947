import { CancelledError, RegistryStateError } from "../../errors.ts";
import { compareText } from "../../lib/compare-text.ts";
import { countOf } from "../../lib/count-of.ts";
import { forEachConcurrently } from "../../lib/for-each-concurrently.ts";
import type { CleanupMemory } from "../../state/cleanup-memory.ts";
import type { Deletions } from "../../state/deletions.ts";
import type { RemovalWait } from "../deletions/remove-with-retries.ts";
import { missingWarnings } from "../tags/protected.ts";
import type { TagSource } from "../tags/tag-source.ts";
import { cleanRepository } from "./clean-repository.ts";
import type { CleanupReport, ProjectReport, RepositoryReport } from "./cleanup-report.ts";
import type { DecisionOptions } from "./decide-repository.ts";
import { dueMs } from "./due.ts";
import { type PlannedWork, type ProjectWork, planWork } from "./plan-work.ts";
import type { CleanupLimits, PolicySet } from "./policy.ts";

/** What a run works with. */
export interface CleanupDependencies {
  source: TagSource;
  memory: CleanupMemory;
  /** Where failed deletions are remembered. */
  deletions?: Deletions | undefined;
  protectedImages?: DecisionOptions["protectedImages"];
  nowMs: () => number;
  /** @returns a signal that is aborted after so many seconds */
  timeoutSignal: (seconds: number) => AbortSignal;
  /** Called before tags of a repository are deleted; not if there is nothing to delete. */
  beforeDeleting?: (() => Promise<void>) | undefined;
}

/** How far a run is. */
export interface CleanupProgress {
  repositories: number;
  done: number;
  deleted: number;
}

/** What somebody wants of a run. */
export interface CleanupOptions {
  dryRun: boolean;
  limits: CleanupLimits;
  /** Only the repositories of these projects. */
  projects?: readonly string[] | undefined;
  /** Only policies whose cadence has passed since they ran. */
  due: boolean;
  /** Tried as if it were this day; only in a dry run. */
  asOfMs?: number | undefined;
  /** Nothing is deleted if more of all tags that are looked at would go. */
  maxDeletePercent?: number | undefined;
  /** How often a deletion is tried. */
  attempts?: number | undefined;
  onProgress?: ((progress: CleanupProgress) => void) | undefined;
  onWait?: ((wait: RemovalWait) => void) | undefined;
  signal?: AbortSignal | undefined;
}

/**
 * Runs cleanup policies. Untags only: manifests stay for the garbage collection, so that it is safe beside a registry that takes writes.
 *
 * @throws {RegistryStateError} if more than `maxDeletePercent` would go; nothing is deleted then
 * @throws {CancelledError} when the signal came; another run goes on
 */
export async function runCleanup(
  dependencies: CleanupDependencies,
  policies: PolicySet,
  options: CleanupOptions,
): Promise<CleanupReport> {
  return new CleanupRun(dependencies, options).run(policies);
}

class CleanupRun {
  readonly #dependencies: CleanupDependencies;
  readonly #options: CleanupOptions;
  readonly #startedMs: number;
  readonly #nowMs: number;
  readonly #reports = new Map<string, RepositoryReport>();
  #progress: CleanupProgress = { repositories: 0, done: 0, deleted: 0 };

  constructor(dependencies: CleanupDependencies, options: CleanupOptions) {
    this.#dependencies = dependencies;
    this.#options = options;
    this.#startedMs = dependencies.nowMs();
    this.#nowMs = options.asOfMs ?? this.#startedMs;
  }

  async run(policies: PolicySet): Promise<CleanupReport> {
    const { source } = this.#dependencies;
    const { dryRun, asOfMs, projects, maxDeletePercent, signal } = this.#options;
    const work = await planWork(source, policies.policies, projects, signal);
    const due = work.projects.filter((each) => this.#stateOf(each) === undefined);
    this.#progress.repositories = due.reduce((sum, { repositories }) => sum + repositories.length, 0);
    if (maxDeletePercent !== undefined && !dryRun) await this.#requireFewer(due, maxDeletePercent);
    const unfinished = await this.#clean(due, dryRun);
    const missing = this.#dependencies.protectedImages?.missingInAll(work.all) ?? [];
    const repositories = [...this.#reports.values()].sort((a, b) => compareText(a.repository, b.repository));
    return {
      schemaVersion: 1,
      command: dryRun ? "cleanup plan" : "cleanup run",
      dryRun,
      startedAt: new Date(this.#startedMs).toISOString(),
      ...(asOfMs === undefined ? {} : { asOf: new Date(asOfMs).toISOString() }),
      projects: this.#projectReports(work, unfinished),
      repositories,
      withoutPolicy: work.withoutPolicy,
      deleted: repositories.reduce((sum, { deleted }) => sum + deleted.length, 0),
      failed: repositories.reduce((sum, each) => sum + failuresOf(each), 0),
      warnings: [...policies.warnings, ...missingWarnings(missing, "the registry")],
      seconds: Math.round(this.#dependencies.nowMs() - this.#startedMs) / 1000,
    };
  }

  /** @returns why a policy does not run; undefined: it does */
  #stateOf({ project, entry }: ProjectWork): "switched off" | "not due" | undefined {
    const { enabled, cadence } = entry.policy;
    if (!enabled) return "switched off";
    if (!this.#options.due) return undefined;
    return dueMs(this.#dependencies.memory.lastRunOf(project), cadence, this.#nowMs) > this.#nowMs
      ? "not due"
      : undefined;
  }

  /** @returns the projects of which something is left over */
  async #clean(projects: readonly ProjectWork[], dryRun: boolean): Promise<Set<ProjectWork>> {
    const { source, memory, deletions, protectedImages, timeoutSignal, beforeDeleting } = this.#dependencies;
    const { limits, attempts, signal, onWait } = this.#options;
    const unfinished = new Set<ProjectWork>();
    const left = new Map(projects.map((each) => [each, each.repositories.length]));
    const items = projects.flatMap((work) => work.repositories.map((repository) => ({ work, repository })));
    await forEachConcurrently(items, limits.workerCapacity, async ({ work, repository }) => {
      if (signal?.aborted) throw this.#stopped();
      const seconds = limits.deleteTagsServiceTimeout;
      const cleaned = await cleanRepository(
        source,
        { repository, project: work.project, rules: work.rules },
        {
          ...{ nowMs: this.#nowMs, dryRun, attempts, deletions, protectedImages, signal, onWait },
          maxListSize: limits.maxListSize,
          continueAfter: memory.continueAfter(repository),
          timeout: dryRun || seconds === 0 ? undefined : timeoutSignal(seconds),
          beforeDeleting,
          onDeleted: () => this.#progress.deleted++,
        },
      ).catch((error: unknown) => {
        throw error instanceof CancelledError || signal?.aborted ? this.#stopped(error) : error;
      });
      this.#reports.set(repository, cleaned.report);
      if (cleaned.isUnfinished) unfinished.add(work);
      if (!dryRun && cleaned.next) memory.setContinuing(repository, cleaned.next.continueAfter);
      const rest = (left.get(work) ?? 1) - 1;
      left.set(work, rest);
      if (!dryRun && rest === 0) {
        memory.setProject(work.project, { ranAtMs: this.#startedMs, isUnfinished: unfinished.has(work) });
      }
      this.#progress.done++;
      this.#options.onProgress?.({ ...this.#progress });
    });
    return unfinished;
  }

  /** Looks at everything first. What is deleted afterwards is decided once more, repository by repository. */
  async #requireFewer(projects: readonly ProjectWork[], maxPercent: number): Promise<void> {
    await this.#clean(projects, true);
    let tags = 0;
    let going = 0;
    for (const report of this.#reports.values()) {
      tags += report.tags;
      going += report.deleted.length;
    }
    this.#reports.clear();
    this.#progress = { ...this.#progress, done: 0, deleted: 0 };
    if (going * 100 <= tags * maxPercent) return;
    const percent = ((going * 100) / tags).toFixed(1);
    throw new RegistryStateError(
      `${going} of ${countOf(tags, "tag")} (${percent}%) would go, at most ${maxPercent}% may`,
      { hint: "look at it with cleanup plan, then give a higher --max-delete" },
    );
  }

  #projectReports({ projects }: PlannedWork, unfinished: ReadonlySet<ProjectWork>): ProjectReport[] {
    const { memory } = this.#dependencies;
    return projects.map((work) => {
      const { project, entry } = work;
      const state = this.#stateOfReport(work, unfinished);
      const next = dueMs(memory.lastRunOf(project), entry.policy.cadence, this.#nowMs);
      const isKnown = state !== "switched off" && next > this.#nowMs;
      return {
        ...{ project, policy: entry.project, from: entry.origin, state },
        ...(isKnown ? { nextRunAt: new Date(next).toISOString() } : {}),
      };
    });
  }

  #stateOfReport(work: ProjectWork, unfinished: ReadonlySet<ProjectWork>): ProjectReport["state"] {
    const ran = work.repositories.some((repository) => this.#reports.has(repository));
    if (!ran) return this.#stateOf(work) ?? "done";
    return unfinished.has(work) ? "unfinished" : "done";
  }

  #stopped(cause?: unknown): CancelledError {
    const { deleted } = this.#progress;
    const done =
      deleted === 0 ? "before anything was deleted" : `when ${countOf(deleted, "tag")} had been deleted`;
    return new CancelledError(`stopped ${this.#options.dryRun ? "before everything was looked at" : done}`, {
      cause,
      hint: "nothing is half done; another run goes on",
    });
  }
}

/** What counts for the exit code: tags that could not be deleted, or not be read, and repositories that could not be decided about. */
function failuresOf({ notDeleted, problem }: RepositoryReport): number {
  return (
    notDeleted.filter(({ why }) => why === "failed" || why === "unread").length +
    (problem === undefined ? 0 : 1)
  );
}
