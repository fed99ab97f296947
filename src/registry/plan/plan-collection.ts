import { PathNotFoundError } from "../../errors.ts";
import type { ScanFailure } from "../../storage/abilities.ts";
import type { StorageDriver } from "../../storage/driver.ts";
import { DigestSet } from "../graph/digest-set.ts";
import { DigestTable } from "../graph/digest-table.ts";
import { keepManifests } from "../graph/keep-manifests.ts";
import { loadBlobs } from "../graph/load-blobs.ts";
import { type LoadOptions, loadRepositories } from "../graph/load-repositories.ts";
import type { ManifestRecordSource } from "../graph/manifest-record-source.ts";
import { ManifestReferences } from "../graph/manifest-references.ts";
import { PagedArray } from "../graph/paged-array.ts";
import type { RepositoryGraph } from "../graph/repository-graph.ts";
import { BLOBS_ROOT, REPOSITORIES_ROOT } from "../paths.ts";
import type { RepositoryEntries } from "../scan/repository-entries.ts";
import type { ScannedBlob } from "../scan/scan-blobs.ts";
import { withStoreThreads } from "../threads/with-store-threads.ts";
import { noAmounts } from "./amounts.ts";
import { BlobPlan } from "./blob-plan.ts";
import type { CollectionPlan, FoundAmounts } from "./collection-plan.ts";
import type { CollectionRules } from "./collection-rules.ts";
import { CountedNames } from "./counted-names.ts";
import { EmptyRepositories } from "./empty-repositories.ts";
import { isBelow, touches } from "./failed-folders.ts";
import { planRepository } from "./plan-repository.ts";
import { ProtectedDigests } from "./protected-digests.ts";
import type { RepositoryPlan } from "./repository-plan.ts";
import { withoutVanished } from "./without-vanished.ts";

/** How many files that belong to nothing, and keys that stand for folders, are told by name. */
const NAMES_SHOWN = 5;

/** Folders in which something is missing are remembered up to this number; another run finds the rest. */
const MAX_LEFTOVERS = 10_000;

/** How far planning is. */
export interface PlanProgress {
  phase: "repositories" | "blobs";
  repositories: number;
  manifests: number;
  blobs: number;
}

/** Options of {@link planCollection}. */
export interface CollectionPlanOptions {
  rules: CollectionRules;
  /** How many files are read at a time where there are no threads. */
  concurrency: number;
  /** How many threads read, on a store that can be read in threads; none by default. */
  threads?: number | undefined;
  /** What earlier runs have read. */
  manifestCache?: ManifestRecordSource | undefined;
  /** Clients work on the store meanwhile: what they have removed by the time it is looked at was not missed. */
  isLive?: boolean | undefined;
  /** Called for each tag that can be read. */
  onTag?: ((repository: string, tag: string) => void) | undefined;
  signal?: AbortSignal | undefined;
  onProgress?: ((progress: PlanProgress) => void) | undefined;
}

/**
 * Scans the whole store once and decides what goes. Changes nothing.
 *
 * @throws {CancelledError} when `signal` is aborted
 */
export async function planCollection(
  driver: StorageDriver,
  options: CollectionPlanOptions,
): Promise<CollectionPlan> {
  return new CollectionPlanner(driver, options).plan();
}

class CollectionPlanner {
  readonly #driver: StorageDriver;
  readonly #options: CollectionPlanOptions;
  readonly #table = new DigestTable();
  readonly #references = new ManifestReferences(this.#table);
  /** 1 for each digest whose blob some repository needs. */
  readonly #marks = PagedArray.bytes();
  /** Number of a repository that links a digest. */
  readonly #owners = PagedArray.integers();
  readonly #ownerNames = new Map<number, string>();
  readonly #needed = new DigestSet();
  readonly #protected: ProtectedDigests;
  readonly #revisions = new DigestSet();
  readonly #repositories: RepositoryPlan[] = [];
  readonly #empty = new EmptyRepositories();
  #temporaryFiles = 0;
  readonly #leftovers: string[] = [];
  #failures: ScanFailure[] = [];
  readonly #warnings: string[] = [];
  readonly #found: FoundAmounts = { repositories: 0, tags: 0, manifests: 0, blobs: 0, bytes: 0 };
  readonly #blobs = new BlobPlan();
  readonly #strays = new CountedNames(NAMES_SHOWN);
  readonly #folderMarkers = new CountedNames(NAMES_SHOWN);

  constructor(driver: StorageDriver, options: CollectionPlanOptions) {
    this.#driver = driver;
    this.#options = options;
    this.#protected = new ProtectedDigests(this.#table, options.rules.protectedDigests ?? new Set());
  }

  async plan(): Promise<CollectionPlan> {
    const { concurrency, signal, threads: count = 0 } = this.#options;
    return withStoreThreads(this.#driver, count, signal, (threads) =>
      this.#planWith({
        table: this.#table,
        references: this.#references,
        manifestCache: this.#options.manifestCache,
        concurrency,
        threads,
        signal,
        onFailure: (failure: ScanFailure) => this.#addFailure(failure),
        onEmptyFolder: (path: string) => this.#empty.addEmptyFolder(path),
        onTemporaryFile: () => void this.#temporaryFiles++,
        onFolderMarker: (key: string) => this.#folderMarkers.add(key),
        onStray: (path: string) => this.#strays.add(path),
      }),
    );
  }

  async #planWith(options: LoadOptions): Promise<CollectionPlan> {
    for await (const graph of loadRepositories(this.#driver, options)) await this.#addRepository(graph);
    for (const id of await this.#protected.unlinkedClosure(this.#driver, this.#references))
      this.#marks.set(id, 1);
    if (this.#options.isLive) this.#failures = await withoutVanished(this.#driver, this.#failures);
    const blocked = this.#failures.map(({ path }) => path).filter((path) => isBelow(path, REPOSITORIES_ROOT));
    const repositories = this.#repositories.filter(
      ({ repository }) => !blocked.some((path) => touches(path, `${REPOSITORIES_ROOT}/${repository}`)),
    );
    const rootsAreIncomplete = blocked.length > 0;
    const emptyRepositories = rootsAreIncomplete ? [] : this.#empty.names;
    const isMarked = ({ id }: ScannedBlob): boolean => rootsAreIncomplete || this.#marks.get(id) === 1;
    const { agesMatter = true } = this.#options.rules;
    const blobs = loadBlobs(this.#driver, {
      ...options,
      needsStat: (blob) =>
        (agesMatter && !isMarked(blob)) || this.#references.describedSize(blob.id) === undefined,
      onProblem: (path, message) => void this.#warnings.push(`${path}: kept: ${message}`),
      onMissing: (path) => this.#addLeftover(path),
    });
    // While the blobs are listed, this thread has little to do.
    const keeping = keepManifests(this.#options.manifestCache, this.#table, this.#references);
    try {
      for await (const batch of blobs) this.#addBlobs(batch, isMarked);
    } finally {
      await keeping;
    }
    this.#addStrayWarning();
    // A manifest that was not found may be where blobs could not be listed, and need anything.
    const mayHideManifests =
      this.#references.counts.absent > 0 && this.#failures.some(({ path }) => isBelow(path, BLOBS_ROOT));
    if (mayHideManifests) return this.#result([], [], true);
    return this.#result(repositories, emptyRepositories, rootsAreIncomplete);
  }

  async #addRepository(graph: RepositoryGraph): Promise<void> {
    const { concurrency, rules, signal } = this.#options;
    const [table, references] = [this.#table, this.#references];
    const { entries } = graph;
    const { layers, revisions, tags } = entries;
    const count = (): number => layers.length + revisions.length + tags.size;
    const seen = count();
    this.#setOwner(entries);
    this.#found.tags += graph.tagTargets.size + graph.brokenTags.size;
    const { plan, warnings } = await planRepository(
      {
        ...{ graph, references, table, needed: this.#needed, revisions: this.#revisions },
        protectedIds: this.#protected.ids,
      },
      {
        ...rules,
        driver: this.#driver,
        concurrency,
        signal,
        onFailure: (failure) => this.#addFailure(failure),
        onMissing: (path) => this.#addLeftover(path),
      },
    );
    // Planning has found out which of them are only folders without a link, and what is in these.
    const known = count();
    if (known > 0) this.#found.repositories++;
    if (known + entries.unknownKeyCount > 0) this.#empty.addShown(entries.name);
    else if (seen > 0) this.#empty.addEmpty(entries.name);
    this.#found.manifests += revisions.length;
    for (const id of this.#needed.members()) this.#marks.set(id, 1);
    this.#protected.noteNeeded(this.#needed);
    for (const tag of graph.tagTargets.keys()) this.#options.onTag?.(entries.name, tag);
    this.#warnings.push(...warnings);
    const goes = plan.history.length + plan.manifests.length + plan.layerLinks.length;
    if (goes > 0 || plan.isEmptied) this.#repositories.push(plan);
    this.#report("repositories");
  }

  #setOwner(entries: RepositoryEntries): void {
    const owner = this.#ownerNames.size + 1;
    this.#ownerNames.set(owner, entries.name);
    for (const links of [entries.revisions, entries.layers]) {
      for (const id of links.ids()) if (this.#owners.get(id) === 0) this.#owners.set(id, owner);
    }
  }

  /** Blobs that nothing needs and that are not young go. */
  #addBlobs(batch: readonly ScannedBlob[], isMarked: (blob: ScannedBlob) => boolean): void {
    const { agesMatter = true, keepWrittenAfterMs } = this.#options.rules;
    // Of what nothing was asked, the age does not matter.
    const otherwiseMs = agesMatter ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY;
    for (const blob of batch) {
      const sizeBytes = blob.sizeBytes ?? this.#references.describedSize(blob.id) ?? 0;
      this.#found.blobs++;
      this.#protected.noteBlob(blob.id);
      this.#found.bytes += sizeBytes;
      const isYoung = (blob.modifiedMs ?? otherwiseMs) > keepWrittenAfterMs;
      if (!isMarked(blob) && !isYoung) this.#blobs.push(blob.id, sizeBytes, this.#owners.get(blob.id));
    }
    this.#report("blobs");
  }

  #addLeftover(folder: string): void {
    if (this.#leftovers.length < MAX_LEFTOVERS) this.#leftovers.push(folder);
  }

  #addFailure(failure: ScanFailure): void {
    // The server may end an upload at any time, and no upload matters here.
    if (failure.error instanceof PathNotFoundError && failure.path.includes("/_uploads")) return;
    this.#failures.push(failure);
  }

  #addStrayWarning(): void {
    const { count, first } = this.#strays;
    if (count > 0) this.#warnings.push(`${count} unknown files, not touched: ${first.join(", ")}`);
  }

  #result(
    repositories: RepositoryPlan[],
    emptyRepositories: readonly string[],
    rootsAreIncomplete: boolean,
  ): CollectionPlan {
    const blobs = rootsAreIncomplete ? new BlobPlan() : this.#blobs;
    const eligible = noAmounts();
    for (const plan of repositories) {
      eligible.manifests += plan.manifests.length;
      eligible.layerLinks += plan.layerLinks.length;
      for (const { ids } of plan.history) eligible.tagHistoryLinks += ids.length;
    }
    eligible.blobs = blobs.length;
    for (let index = 0; index < blobs.length; index++) eligible.bytes += blobs.sizeBytes(index);
    return {
      rules: this.#options.rules,
      table: this.#table,
      references: this.#references,
      protectedStored: this.#protected.stored,
      repositories,
      emptyRepositories,
      blobs,
      ownerNames: this.#ownerNames,
      marked: { blobs: this.#found.blobs - eligible.blobs, bytes: this.#found.bytes - eligible.bytes },
      eligible,
      found: this.#found,
      warnings: this.#warnings,
      failures: this.#failures,
      folderMarkers: { count: this.#folderMarkers.count, first: this.#folderMarkers.first },
      temporaryFiles: this.#temporaryFiles,
      leftovers: this.#leftovers,
      rootsAreIncomplete,
    };
  }

  #report(phase: PlanProgress["phase"]): void {
    const { repositories, manifests, blobs } = this.#found;
    this.#options.onProgress?.({ phase, repositories, manifests, blobs });
  }
}
