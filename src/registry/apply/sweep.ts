import { canSettleRemovals } from "../../storage/abilities.ts";
import type { StorageDriver } from "../../storage/driver.ts";
import type { DigestId } from "../graph/digest-table.ts";
import { NumberList } from "../graph/number-list.ts";
import {
  blobDataPath,
  layerLinkPath,
  revisionLinkPath,
  tagHistoryLinkPath,
  tagIndexPath,
  tagPath,
} from "../paths.ts";
import { type Amounts, noAmounts } from "../plan/amounts.ts";
import type { CollectionPlan } from "../plan/collection-plan.ts";
import { type DeleteOptions, type DeleteStep, deleteFiles } from "./delete-files.ts";
import { removeEmptyRepository } from "./remove-empty-repository.ts";

/** So many folders are remembered until they are synced. */
const MAX_UNSETTLED_FOLDERS = 10_000;

/** The phases of a sweep, in order. A crash between any two steps leaves garbage, never a dangling reference. */
export type SweepPhase = "tag history" | "manifests" | "layer links" | "empty repositories" | "blobs";

/** One deletion that failed. */
export interface FailedDeletion {
  path: string;
  error: string;
}

/** What a sweep has done so far. */
export interface SweepResult {
  deleted: Amounts;
  failed: FailedDeletion[];
  /** Files that were written since they were planned, or that something is kept for. */
  kept: number;
}

/** Options of {@link Sweep}. */
export interface SweepOptions {
  concurrency: number;
  signal?: AbortSignal | undefined;
  beforeBatch?: (() => Promise<void>) | undefined;
  onProgress?: ((phase: SweepPhase, done: number, total: number) => void) | undefined;
}

interface SweepStep extends DeleteStep {
  repository: string;
  id: DigestId;
  sizeBytes: number;
}

/** Carries out a plan. What could not be removed keeps what it refers to. */
export class Sweep {
  readonly result: SweepResult = { deleted: noAmounts(), failed: [], kept: 0 };
  readonly #driver: StorageDriver;
  readonly #plan: CollectionPlan;
  readonly #options: SweepOptions;
  /** By repository: digests of which a link stays, and all that these refer to. */
  readonly #retained = new Map<string, Set<DigestId>>();
  /** Blobs that something which stays refers to. */
  readonly #retainedBlobs = new Set<DigestId>();
  /** Folders of links from which something was removed. */
  readonly #unsettled = new Set<string>();

  constructor(driver: StorageDriver, plan: CollectionPlan, options: SweepOptions) {
    this.#driver = driver;
    this.#plan = plan;
    this.#options = options;
  }

  /** @throws {CancelledError} between two batches, when the signal is aborted; `result` tells what was done */
  async run(): Promise<SweepResult> {
    const { eligible } = this.#plan;
    await this.#phase("tag history", eligible.tagHistoryLinks, [this.#historySteps()], (deleted) => {
      deleted.tagHistoryLinks++;
    });
    await this.#phase("manifests", eligible.manifests, this.#manifestLevels(), (deleted) => {
      deleted.manifests++;
    });
    await this.#phase("layer links", eligible.layerLinks, [this.#layerSteps()], (deleted) => {
      deleted.layerLinks++;
    });
    await this.#removeEmptyRepositories();
    // Else a power cut could bring links back whose blobs are gone for good.
    await this.#settleRemovals();
    await this.#phase("blobs", eligible.blobs, [this.#blobSteps()], (deleted, step) => {
      deleted.blobs++;
      deleted.bytes += step.sizeBytes;
    });
    return this.result;
  }

  /** @param groups - no step of a later group is asked for before the outcomes of the earlier ones are known */
  async #phase(
    phase: SweepPhase,
    total: number,
    groups: Iterable<Iterable<SweepStep>>,
    count: (deleted: Amounts, step: SweepStep) => void,
  ): Promise<void> {
    let done = 0;
    const options: DeleteOptions<SweepStep> = {
      concurrency: this.#options.concurrency,
      keepWrittenAfterMs: this.#plan.rules.keepWrittenAfterMs,
      signal: this.#options.signal,
      beforeBatch: async () => {
        if (this.#unsettled.size >= MAX_UNSETTLED_FOLDERS) await this.#settleRemovals();
        await this.#options.beforeBatch?.();
      },
      onRemoval: phase === "blobs" ? undefined : (folder) => void this.#unsettled.add(folder),
      onOutcome: (step, outcome) => {
        this.#options.onProgress?.(phase, ++done, total);
        if (outcome === "deleted") count(this.result.deleted, step);
        else if (outcome === "kept") {
          this.result.kept++;
          if (step.repository !== "") this.#retain(step.repository, step.id);
        } else if (outcome !== "gone") {
          const { error } = outcome;
          this.result.failed.push({
            path: step.path,
            error: error instanceof Error ? error.message : String(error),
          });
          if (step.repository !== "") this.#retain(step.repository, step.id);
        }
      },
    };
    for (const steps of groups) await deleteFiles(this.#driver, steps, options);
  }

  async #settleRemovals(): Promise<void> {
    if (canSettleRemovals(this.#driver)) await this.#driver.settleRemovals(this.#unsettled);
    this.#unsettled.clear();
  }

  *#historySteps(): Generator<SweepStep> {
    const { repositories, table } = this.#plan;
    for (const { repository, history } of repositories) {
      for (const { tag, ids } of history) {
        for (const id of ids) {
          const path = tagHistoryLinkPath(repository, tag, table.digestOf(id));
          const folder = parent(path);
          // A tag's folder goes only if nothing is left in it; one with a current link never is empty.
          const folders = [folder, parent(folder), tagIndexPath(repository, tag), tagPath(repository, tag)];
          yield { path, folders, repository, id, sizeBytes: 0 };
        }
      }
    }
  }

  /** Level by level, since a manifest stays if one that refers to it does. */
  *#manifestLevels(): Generator<Iterable<SweepStep>> {
    const levels: { owners: NumberList; ids: NumberList }[] = [];
    for (const [owner, { manifests }] of this.#plan.repositories.entries()) {
      for (const { id, level } of manifests) {
        levels[level] ??= { owners: NumberList.integers(), ids: NumberList.integers() };
        levels[level].owners.push(owner);
        levels[level].ids.push(id);
      }
    }
    for (const { owners, ids } of levels) yield this.#manifestSteps(owners, ids);
  }

  *#manifestSteps(owners: NumberList, ids: NumberList): Generator<SweepStep> {
    const { repositories, table } = this.#plan;
    for (let index = 0; index < ids.length; index++) {
      const id = ids.at(index);
      const repository = repositories[owners.at(index)]?.repository ?? "";
      if (this.#retained.get(repository)?.has(id)) {
        this.result.kept++;
        continue;
      }
      const path = revisionLinkPath(repository, table.digestOf(id));
      yield { path, folders: [parent(path)], repository, id, sizeBytes: 0 };
    }
  }

  *#layerSteps(): Generator<SweepStep> {
    const { repositories, table } = this.#plan;
    for (const { repository, layerLinks } of repositories) {
      const keepsAll = this.#retained.has(repository);
      for (const id of layerLinks) {
        if (keepsAll) {
          this.#retain(repository, id);
          this.result.kept++;
          continue;
        }
        const path = layerLinkPath(repository, table.digestOf(id));
        yield { path, folders: [parent(path)], repository, id, sizeBytes: 0 };
      }
    }
  }

  *#blobSteps(): Generator<SweepStep> {
    const { blobs, table } = this.#plan;
    for (let index = 0; index < blobs.length; index++) {
      const id = blobs.id(index);
      if (this.#retainedBlobs.has(id)) {
        this.result.kept++;
        continue;
      }
      const path = blobDataPath(table.digestOf(id));
      yield { path, folders: [parent(path)], repository: "", id, sizeBytes: blobs.sizeBytes(index) };
    }
  }

  async #removeEmptyRepositories(): Promise<void> {
    const emptied = this.#plan.repositories
      .filter(({ isEmptied }) => isEmptied)
      .map((plan) => plan.repository);
    const names = [...this.#plan.emptyRepositories, ...emptied].filter((name) => !this.#retained.has(name));
    for (const [index, name] of names.entries()) {
      if (index % 100 === 0) await this.#options.beforeBatch?.();
      try {
        await removeEmptyRepository(this.#driver, name);
      } catch (error) {
        this.result.failed.push({
          path: name,
          error: error instanceof Error ? error.message : String(error),
        });
      }
      this.#options.onProgress?.("empty repositories", index + 1, names.length);
    }
  }

  /**
   * A link to a digest stays: so must its blob and, if it is a manifest, everything that this refers to, with the
   * revision links of the repository to it.
   */
  #retain(repository: string, id: DigestId): void {
    const { references } = this.#plan;
    const retained = this.#retained.get(repository) ?? new Set();
    this.#retained.set(repository, retained);
    const pending = [id];
    for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
      if (retained.has(next)) continue;
      retained.add(next);
      this.#retainedBlobs.add(next);
      for (const blob of references.blobs(next)) pending.push(blob);
      for (const child of references.childManifests(next)) pending.push(child);
    }
  }
}

function parent(path: string): string {
  return path.slice(0, path.lastIndexOf("/"));
}
