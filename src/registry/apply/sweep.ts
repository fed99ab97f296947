import { CancelledError } from "../../errors.ts";
import { forEachConcurrently } from "../../lib/for-each-concurrently.ts";
import { messageOf } from "../../lib/message-of.ts";
import { canDeleteMany, canScan, hasEmptyFolders } from "../../storage/abilities.ts";
import type { StorageDriver } from "../../storage/driver.ts";
import type { DigestId } from "../graph/digest-table.ts";
import { repositoryPath } from "../paths.ts";
import type { CollectionPlan } from "../plan/collection-plan.ts";
import { isRemote } from "../remote-store.ts";
import type { DeletedFiles } from "../threads/delete-files.ts";
import { type BatchDeleter, batchDeleter } from "./delete-batch.ts";
import { deleteInBatches } from "./delete-in-batches.ts";
import { Recheck } from "./recheck.ts";
import { removeFoldersAbove } from "./remove-empty-folder.ts";
import { removeEmptyRepository } from "./remove-empty-repository.ts";
import { RetainedLinks } from "./retained-links.ts";
import type { SweepBatch, SweepOptions, SweepProgress } from "./sweep-options.ts";
import { FOLDERS_ABOVE, LINK_PHASES, type SweepPhase } from "./sweep-phase.ts";
import { SweepResult } from "./sweep-result.ts";
import { type SweepStep, SweepSteps } from "./sweep-steps.ts";
import { UnsettledFolders } from "./unsettled-folders.ts";

/** A bulk delete of S3 takes so many. */
const BATCH_FILES = 1000;
/** For one thread: of the paths of larger ones, much memory would be in use, and threads would wait for them. */
const BATCH_FILES_OF_THREAD = 250;
/** So many bulk deletes are under way at a time. */
const BULK_DELETES = 4;
const BATCH_REPOSITORIES = 100;
const BATCH_LEFTOVERS = 1000;

/** Carries out a plan. What could not be removed keeps what it refers to. */
export class Sweep {
  readonly result = new SweepResult();
  readonly #driver: StorageDriver;
  readonly #plan: CollectionPlan;
  readonly #options: SweepOptions;
  readonly #remove: BatchDeleter;
  readonly #retained: RetainedLinks;
  readonly #steps: SweepSteps;
  /** Names of repositories that are to leave the catalog. */
  readonly #emptied: readonly string[];
  /** Folders of links from which something was removed. */
  readonly #unsettled: UnsettledFolders;
  readonly #progress: SweepProgress;
  /** On a store where that is no request for each file. */
  readonly #recheck: Recheck | undefined;
  /** Blobs that did not go. */
  readonly #failedBlobs = new Set<DigestId>();
  #batches = 0;
  #hasLostThreads = false;

  constructor(driver: StorageDriver, plan: CollectionPlan, options: SweepOptions) {
    this.#driver = driver;
    this.#plan = plan;
    this.#options = options;
    this.#remove = batchDeleter(driver, {
      concurrency: options.concurrency,
      threads: options.threads?.run,
      onThreadLoss: (error) => this.#warnOfThread(error),
    });
    this.#unsettled = new UnsettledFolders(driver);
    this.#retained = new RetainedLinks(plan.references);
    this.#steps = new SweepSteps(plan, this.#retained, () => {
      this.result.kept++;
      this.#advance(1);
    });
    const { signal } = options;
    const { result } = this;
    const retained = this.#retained;
    this.#recheck =
      isRemote(driver) && canScan(driver)
        ? new Recheck({ driver, plan, retained, result, signal })
        : undefined;
    const emptied = plan.repositories.filter(({ isEmptied }) => isEmptied).map((each) => each.repository);
    this.#emptied = [...plan.emptyRepositories, ...emptied];
    const { tagHistoryLinks, manifests, layerLinks, blobs } = plan.eligible;
    const overallTotal = tagHistoryLinks + manifests + layerLinks + blobs + this.#emptied.length;
    this.#progress = { phase: "tag history", done: 0, total: 0, overallDone: 0, overallTotal };
  }

  /** Where it is. */
  get phase(): SweepPhase {
    return this.#progress.phase;
  }

  /** Whether there is nothing to do. */
  get isIdle(): boolean {
    return this.#progress.overallTotal + this.#plan.leftovers.length === 0;
  }

  /**
   * However it ends, what has been removed of links stays removed, if the store lets it: the next run finds them gone, and
   * may remove their blobs.
   *
   * @throws {CancelledError} between two batches, when the signal is aborted; `result` tells what was done
   */
  async run(): Promise<SweepResult> {
    try {
      await this.#removeAll();
    } catch (error) {
      if (error instanceof CancelledError) await this.#unsettled.settle();
      else await this.#unsettled.settle().catch(() => undefined);
      throw error;
    }
    return this.result;
  }

  async #removeAll(): Promise<void> {
    const { eligible } = this.#plan;
    const [steps, { deleted }] = [this.#steps, this.result];
    await this.#phase("tag history", eligible.tagHistoryLinks, [steps.tagHistory()], () => {
      deleted.tagHistoryLinks++;
    });
    await this.#phase("manifests", eligible.manifests, steps.manifestLevels(), () => {
      deleted.manifests++;
    });
    await this.#phase("layer links", eligible.layerLinks, [steps.layerLinks()], () => {
      deleted.layerLinks++;
    });
    await this.#removeEmptyRepositories();
    // Else a power cut could bring links back whose blobs are gone for good.
    await this.#unsettled.settle();
    if (eligible.blobs === 0) return;
    if ((await this.#recheck?.keepLinked()) === false) {
      this.#options.onWarning?.(
        "some repositories could not be listed once more: no blob is deleted in this run",
      );
      return;
    }
    await this.#phase("blobs", eligible.blobs, [steps.blobs()], (step) => {
      deleted.blobs++;
      deleted.bytes += step.sizeBytes;
    });
    const problem = await this.#recheck?.countBlobs(this.#failedBlobs);
    if (problem !== undefined)
      this.#options.onWarning?.(`whether all that was deleted has gone could not be looked at: ${problem}`);
  }

  /** @param groups - no step of a later group is asked for before the outcomes of the earlier ones are known */
  async #phase(
    phase: Exclude<SweepPhase, "empty repositories">,
    total: number,
    groups: Iterable<Iterable<SweepStep>>,
    count: (step: SweepStep) => void,
  ): Promise<void> {
    this.#enter(phase, total);
    const batches = new Map<readonly SweepStep[], SweepBatch>();
    for (const steps of groups) {
      await deleteInBatches(steps, {
        remove: this.#remove,
        batchFiles: this.#options.threads ? BATCH_FILES_OF_THREAD : BATCH_FILES,
        inFlight: this.#options.threads?.inFlight ?? this.#bulkDeletes,
        foldersAbove: FOLDERS_ABOVE[phase],
        keepWrittenAfterMs: this.#plan.rules.keepWrittenAfterMs,
        signal: this.#options.signal,
        beforeBatch: async (batch) => {
          await this.#unsettled.settleMany();
          batches.set(batch, await this.#announce(batch.map(({ path }) => path)));
        },
        afterBatch: async (batch, deletedFiles) => {
          const before = this.result.failures;
          const deleted = this.#conclude(batch, deletedFiles, count);
          if (LINK_PHASES.has(phase)) {
            for (const folder of deletedFiles.staying) this.#unsettled.add(folder);
          }
          // What a dead writer has left beside a file keeps its folder.
          for (const index of deletedFiles.blocked) {
            await this.#removeFolders(batch[index]?.path ?? "", FOLDERS_ABOVE[phase]);
          }
          const announced = batches.get(batch);
          batches.delete(batch);
          const failed = this.result.failures - before;
          if (announced) this.#options.afterBatch?.(announced, { deleted, failed });
          this.#advance(batch.length);
          this.#report();
        },
      });
    }
  }

  async #announce(paths: readonly string[], phase = this.phase): Promise<SweepBatch> {
    const batch = { number: ++this.#batches, phase, paths };
    await this.#options.beforeBatch?.(batch);
    return batch;
  }

  /** @returns how many files were deleted */
  #conclude(
    batch: readonly SweepStep[],
    { outcomes }: DeletedFiles,
    count: (step: SweepStep) => void,
  ): number {
    let deleted = 0;
    for (const [index, step] of batch.entries()) {
      const outcome = outcomes[index] ?? { error: "it was not looked at" };
      if (outcome === "gone") continue;
      if (outcome === "deleted") {
        deleted++;
        count(step);
        continue;
      }
      if (outcome === "kept") this.result.kept++;
      else this.result.fail(step.path, outcome.error);
      if (step.repository !== "") this.#retained.add(step.repository, step.id);
      else if (this.#recheck) this.#failedBlobs.add(step.id);
    }
    return deleted;
  }

  /** Folders in which a writer or a collector died: there is nothing in them, or only what a dead writer has left. */
  async #removeLeftovers(): Promise<void> {
    const paths = this.#plan.leftovers.map((folder) => `${folder}/link`);
    const isHistory = (path: string): boolean => path.includes("/_manifests/tags/");
    await this.#removeEmptied("tag history", paths.filter(isHistory));
    await this.#removeEmptied(
      "layer links",
      paths.filter((path) => !isHistory(path)),
    );
  }

  async #removeEmptied(phase: "tag history" | "layer links", paths: readonly string[]): Promise<void> {
    for (let start = 0; start < paths.length; start += BATCH_LEFTOVERS) {
      if (this.#options.signal?.aborted) throw new CancelledError();
      const batch = await this.#announce(paths.slice(start, start + BATCH_LEFTOVERS), phase);
      for (const path of batch.paths) await this.#removeFolders(path, FOLDERS_ABOVE[phase]);
      this.#options.afterBatch?.(batch, { deleted: 0, failed: 0 });
    }
  }

  async #removeFolders(path: string, foldersAbove: number): Promise<void> {
    if (!hasEmptyFolders(this.#driver)) return;
    try {
      await removeFoldersAbove(this.#driver, path, foldersAbove, this.#options.temporaryBeforeMs);
    } catch {
      // An empty folder that stays behind does no harm, so that it is no failure.
    }
  }

  async #removeEmptyRepositories(): Promise<void> {
    this.#enter("empty repositories", this.#emptied.length);
    const names = this.#emptied.filter((name) => !this.#retained.hasAny(name));
    this.#advance(this.#emptied.length - names.length);
    await this.#removeLeftovers();
    const { concurrency, signal, temporaryBeforeMs } = this.#options;
    for (let start = 0; start < names.length; start += BATCH_REPOSITORIES) {
      if (signal?.aborted) throw new CancelledError();
      const some = names.slice(start, start + BATCH_REPOSITORIES);
      const batch = await this.#announce(some.map(repositoryPath));
      let failed = 0;
      await forEachConcurrently(some, concurrency, async (name) => {
        try {
          await removeEmptyRepository(this.#driver, name, temporaryBeforeMs);
        } catch (error) {
          failed++;
          this.result.fail(repositoryPath(name), messageOf(error));
        }
      });
      this.#options.afterBatch?.(batch, { deleted: some.length - failed, failed });
      this.#advance(some.length);
      this.#report();
    }
  }

  get #bulkDeletes(): number {
    return isRemote(this.#driver) && canDeleteMany(this.#driver) ? BULK_DELETES : 1;
  }

  #enter(phase: SweepPhase, total: number): void {
    Object.assign(this.#progress, { phase, total, done: 0 });
  }

  #advance(steps: number): void {
    this.#progress.done += steps;
    this.#progress.overallDone += steps;
  }

  #report(): void {
    this.#options.onProgress?.({ ...this.#progress });
  }

  #warnOfThread(error: unknown): void {
    // Where one ends, so do all: each batch that follows would tell the same.
    if (this.#hasLostThreads) return;
    this.#hasLostThreads = true;
    this.#options.onWarning?.(`a thread ended too early, its work was done again: ${messageOf(error)}`);
  }
}
