import { CancelledError } from "../../errors.ts";
import { countOf } from "../../lib/count-of.ts";
import { messageOf } from "../../lib/message-of.ts";
import type { Digest } from "../../oci/digest.ts";
import { DigestTable } from "../../registry/graph/digest-table.ts";
import { keepManifests } from "../../registry/graph/keep-manifests.ts";
import { loadBlobs } from "../../registry/graph/load-blobs.ts";
import { type LoadOptions, loadRepositories } from "../../registry/graph/load-repositories.ts";
import type { ManifestRecordSource } from "../../registry/graph/manifest-record-source.ts";
import { ManifestReferences } from "../../registry/graph/manifest-references.ts";
import { BLOBS_ROOT, REPOSITORIES_ROOT } from "../../registry/paths.ts";
import { CountedNames } from "../../registry/plan/counted-names.ts";
import { isBelow } from "../../registry/plan/failed-folders.ts";
import { withoutVanished } from "../../registry/plan/without-vanished.ts";
import { isRemote } from "../../registry/remote-store.ts";
import type { ScannedBlob } from "../../registry/scan/scan-blobs.ts";
import type { StoreThreads } from "../../registry/threads/store-threads.ts";
import { withStoreThreads } from "../../registry/threads/with-store-threads.ts";
import type { ScanFailure } from "../../storage/abilities.ts";
import type { StorageDriver } from "../../storage/driver.ts";
import { keepWrittenAfter, readStoreTime } from "../gc/check-state.ts";
import { RepositoryReader } from "./read-repository.ts";
import { StoredBlobs } from "./stored-blobs.ts";
import type { UsageModel } from "./usage-model.ts";

/** How many files that belong to nothing are told by name. */
const NAMES_SHOWN = 5;

/** What usage is read from. */
export interface UsageDependencies {
  driver: StorageDriver;
  /** Our clock, in milliseconds since 1970. */
  nowMs: () => number;
  /** How many threads read, on a store that can be read in threads; none by default. */
  threads?: number | undefined;
  /** What earlier runs have read of manifests; undefined: everything is read. */
  manifestCache?: ManifestRecordSource | undefined;
}

/** Options of {@link readUsage}. */
export interface UsageReadOptions {
  /** What was written within this time counts as kept, as `garbage-collect --grace` keeps it. */
  graceMs: number;
  /** How many files are read at a time where there are no threads. */
  concurrency: number;
  /** Whether the times of pushes are wanted, which a disk has to be asked for one by one. */
  wantsPushes: boolean;
  /** Whether it is wanted what each tag needs. */
  wantsTagNeeds: boolean;
  /** Whether it is wanted what stays without any tag; false by default. */
  wantsStanding?: boolean | undefined;
  /** Stay, as `garbage-collect --protect` keeps them; none by default. */
  protectedDigests?: ReadonlySet<Digest> | undefined;
  signal?: AbortSignal | undefined;
  onProgress?: ((progress: UsageProgress) => void) | undefined;
}

/** How far reading is. */
export interface UsageProgress {
  phase: "repositories" | "blobs";
  repositories: number;
  manifests: number;
  blobs: number;
}

/**
 * Scans a store once, without changing anything, and tells who needs which bytes by the rules of `garbage-collect`.
 *
 * @throws {CancelledError} when `signal` is aborted
 * @throws {StorageUnavailableError} if the store does not answer
 */
export async function readUsage(
  dependencies: UsageDependencies,
  options: UsageReadOptions,
): Promise<UsageModel> {
  const { driver, nowMs, threads = 0 } = dependencies;
  // On a disk the store's time takes a file to be written.
  const time = isRemote(driver) ? await readStoreTime(driver, nowMs()) : { nowMs: nowMs() };
  const reader = new UsageReader(
    dependencies,
    options,
    keepWrittenAfter(driver, time.nowMs, options.graceMs),
  );
  if (time.problem) reader.addNotice(time.problem.message);
  return withStoreThreads(driver, threads, options.signal, (workers) => reader.read(workers));
}

class UsageReader {
  readonly #dependencies: UsageDependencies;
  readonly #options: UsageReadOptions;
  readonly #keepWrittenAfterMs: number;
  readonly #table = new DigestTable();
  readonly #references = new ManifestReferences(this.#table);
  readonly #blobs = new StoredBlobs(this.#table);
  readonly #repositories: RepositoryReader;
  #failures: ScanFailure[] = [];
  readonly #problems: string[] = [];
  readonly #notices: string[] = [];
  readonly #strays = new CountedNames(NAMES_SHOWN);

  constructor(dependencies: UsageDependencies, options: UsageReadOptions, keepWrittenAfterMs: number) {
    this.#dependencies = dependencies;
    this.#options = options;
    this.#keepWrittenAfterMs = keepWrittenAfterMs;
    this.#repositories = new RepositoryReader(dependencies.driver, this.#table, this.#references, {
      ...options,
      keepWrittenAfterMs,
      onFailure: (failure) => void this.#failures.push(failure),
      onProblem: (problem) => void this.#problems.push(problem),
      onNotice: (notice) => void this.#notices.push(notice),
    });
  }

  addNotice(notice: string): void {
    this.#notices.push(notice);
  }

  async read(threads: StoreThreads | undefined): Promise<UsageModel> {
    const { driver, manifestCache } = this.#dependencies;
    const { concurrency, signal, wantsPushes } = this.#options;
    const options: LoadOptions = {
      ...{ table: this.#table, references: this.#references, concurrency, threads, signal },
      ...{ manifestCache, wantsTimes: wantsPushes },
      onFailure: (failure) => this.#addFailure(failure),
      onStray: (path) => this.#strays.add(path),
    };
    for await (const graph of loadRepositories(driver, options)) {
      await this.#repositories.add(graph);
      this.#report("repositories");
    }
    await this.#repositories.finish();
    await this.#readBlobs(options);
    // A registry may be running: what clients have removed meanwhile was not missed.
    this.#failures = await withoutVanished(driver, this.#failures);
    return this.#model();
  }

  async #readBlobs(options: LoadOptions): Promise<void> {
    const { driver, manifestCache } = this.#dependencies;
    const blobs = loadBlobs(driver, {
      ...options,
      needsStat: () => true,
      onProblem: (path, message) => void this.#problems.push(`${path}: its size is not known: ${message}`),
      onMissing: () => undefined,
    });
    // While the blobs are listed, this thread has little to do.
    const keeping = keepManifests(manifestCache, this.#table, this.#references);
    try {
      for await (const batch of blobs) this.#addBlobs(batch);
    } finally {
      await keeping;
    }
  }

  #addBlobs(batch: readonly ScannedBlob[]): void {
    for (const { id, sizeBytes, modifiedMs = Number.POSITIVE_INFINITY } of batch) {
      if (sizeBytes !== undefined) this.#blobs.add(id, sizeBytes, modifiedMs > this.#keepWrittenAfterMs);
    }
    if (this.#options.signal?.aborted) throw new CancelledError();
    this.#report("blobs");
  }

  #addFailure(failure: ScanFailure): void {
    // Unfinished uploads are no part of it.
    if (!failure.path.includes("/_uploads")) this.#failures.push(failure);
  }

  #model(): UsageModel {
    const failed = this.#failures.map(({ path }) => path);
    const isBlind =
      failed.some((path) => isBelow(path, REPOSITORIES_ROOT)) ||
      // A manifest that was not found may be where blobs could not be listed, and need anything.
      (this.#references.counts.absent > 0 && failed.some((path) => isBelow(path, BLOBS_ROOT)));
    const { count, first } = this.#strays;
    if (count > 0) this.#notices.push(`${countOf(count, "unknown file")}, not counted: ${first.join(", ")}`);
    return {
      table: this.#table,
      references: this.#references,
      blobs: this.#blobs,
      repositories: this.#repositories.repositories,
      kept: this.#repositories.kept,
      standing: this.#options.wantsStanding ? this.#repositories.standing : undefined,
      protectedIds: this.#repositories.protectedIds,
      isFreeable: !isBlind,
      problems: [
        ...this.#failures.map(({ path, error }) => `${path}: cannot be read: ${messageOf(error)}`),
        ...this.#problems,
      ],
      notices: this.#notices,
    };
  }

  #report(phase: UsageProgress["phase"]): void {
    const { repositories, manifests } = this.#repositories;
    this.#options.onProgress?.({
      phase,
      repositories: repositories.length,
      manifests,
      blobs: this.#blobs.count,
    });
  }
}
