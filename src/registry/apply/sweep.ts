import { CancelledError } from "../../errors.ts";
import { messageOf } from "../../lib/message-of.ts";
import { canDeleteMany, canScan } from "../../storage/abilities.ts";
import type { StorageDriver } from "../../storage/driver.ts";
import type { DigestId } from "../graph/digest-table.ts";
import type { CollectionPlan } from "../plan/collection-plan.ts";
import { isRemote } from "../remote-store.ts";
import type { DeletedFiles } from "../threads/delete-files.ts";
import { type BatchDeleter, batchDeleter } from "./delete-batch.ts";
import { deleteInBatches } from "./delete-in-batches.ts";
import { EmptiedFolders } from "./emptied-folders.ts";
import { Guards } from "./guards.ts";
import { Recheck } from "./recheck.ts";
import { RetainedLinks } from "./retained-links.ts";
import { Slices } from "./slices.ts";
import type { SweepBatch, SweepOptions, SweepProgress } from "./sweep-options.ts";
import { SweepPace } from "./sweep-pace.ts";
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

/** Carries out a plan. What could not be removed keeps what it refers to. */
export class Sweep {
  readonly result: SweepResult;
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
  /** Beside a server that takes writes. */
  readonly #slices: Slices | undefined;
  readonly #pace: SweepPace | undefined;
  readonly #folders: EmptiedFolders;
  /** What is under way, by the steps that it has. */
  readonly #announced = new Map<readonly SweepStep[], { batch: SweepBatch; slice: number | undefined }>();
  /** Blobs that did not go. */
  readonly #failedBlobs = new Set<DigestId>();
  #batches = 0;
  #hasLostThreads = false;

  constructor(driver: StorageDriver, plan: CollectionPlan, options: SweepOptions) {
    this.#driver = driver;
    this.#plan = plan;
    this.#options = options;
    this.result = options.result ?? new SweepResult();
    const { signal, gated, maxOpsPerSecond = 0 } = options;
    const { result } = this;
    this.#remove = batchDeleter(driver, {
      concurrency: options.concurrency,
      threads: options.threads?.run,
      onThreadLoss: (error) => this.#warnOfThread(error),
    });
    this.#unsettled = new UnsettledFolders(driver);
    this.#retained = new RetainedLinks(plan.references);
    const retained = this.#retained;
    this.#steps = new SweepSteps(plan, retained, () => this.#keep(1), gated === undefined);
    const { table } = plan;
    const guards = new Guards(plan.repositories, plan.references);
    this.#slices = gated && new Slices({ ...gated, table, retained, guards, signal });
    if (gated || maxOpsPerSecond > 0) {
      this.#pace = new SweepPace({ maxOpsPerSecond, rests: gated !== undefined, signal });
    }
    this.#folders = new EmptiedFolders({
      driver,
      options,
      result,
      announce: (paths, phase) => this.#announce(paths, phase),
    });
    const plannedFromMs = gated?.plannedFromMs;
    this.#recheck =
      isRemote(driver) && canScan(driver)
        ? new Recheck({ driver, plan, retained, result, signal, plannedFromMs })
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
    const usual = this.#options.threads ? BATCH_FILES_OF_THREAD : BATCH_FILES;
    for (const steps of groups) {
      await deleteInBatches(steps, {
        remove: this.#remove,
        batchFiles: this.#pace?.batchFiles(usual) ?? usual,
        inFlight: this.#slices ? 1 : (this.#options.threads?.inFlight ?? this.#bulkDeletes),
        foldersAbove: FOLDERS_ABOVE[phase],
        keepWrittenAfterMs: this.#plan.rules.keepWrittenAfterMs,
        signal: this.#options.signal,
        beforeBatch: (batch) => this.#begin(batch),
        afterBatch: async (batch, deletedFiles) => {
          const before = this.result.failures;
          const deleted = this.#conclude(batch, deletedFiles, count);
          const announced = this.#announced.get(batch);
          this.#announced.delete(batch);
          if (announced?.slice !== undefined) {
            const undecided = (deletedFiles.undecided ?? []).flatMap((index) => batch[index] ?? []);
            await this.#slices?.conclude(announced.slice, undecided);
          }
          if (LINK_PHASES.has(phase)) {
            for (const folder of deletedFiles.staying) this.#unsettled.add(folder);
          }
          // What a dead writer has left beside a file keeps its folder.
          for (const index of deletedFiles.blocked) {
            await this.#folders.removeAbove(batch[index]?.path ?? "", FOLDERS_ABOVE[phase]);
          }
          const failed = this.result.failures - before;
          if (announced) this.#options.afterBatch?.(announced.batch, { deleted, failed });
          this.#pace?.end();
          this.#advance(batch.length);
          this.#report();
        },
      });
      // Else a power cut could bring back a manifest whose children or layer links are gone for good.
      if (phase === "manifests") await this.#unsettled.settle();
    }
  }

  /** @returns the steps of a batch that go now */
  async #begin(batch: readonly SweepStep[]): Promise<readonly SweepStep[]> {
    await this.#pace?.begin(batch.length);
    await this.#unsettled.settleMany();
    const condemned = await this.#slices?.condemn(batch, this.phase === "manifests");
    const steps = condemned?.steps ?? batch;
    this.#keep(batch.length - steps.length);
    try {
      if (steps.length > 0) {
        const announced = await this.#announce(steps.map(({ path }) => path));
        this.#announced.set(steps, { batch: announced, slice: condemned?.number });
        return steps;
      }
    } catch (error) {
      if (condemned) await this.#slices?.conclude(condemned.number).catch(() => undefined);
      throw error;
    }
    if (condemned) await this.#slices?.conclude(condemned.number);
    return steps;
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

  async #removeEmptyRepositories(): Promise<void> {
    this.#enter("empty repositories", this.#emptied.length);
    const names = this.#emptied.filter((name) => !this.#retained.hasAny(name));
    this.#advance(this.#emptied.length - names.length);
    await this.#folders.removeLeftovers(this.#plan.leftovers);
    await this.#folders.removeRepositories(names, (count) => {
      this.#advance(count);
      this.#report();
    });
  }

  /** Steps that are not taken, as something that stays needs them. */
  #keep(steps: number): void {
    this.result.kept += steps;
    this.#advance(steps);
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
