import { PathNotFoundError } from "../../errors.ts";
import type { Digest } from "../../oci/digest.ts";
import { RepositoryUnknownError } from "../../registry/errors.ts";
import { DigestSet } from "../../registry/graph/digest-set.ts";
import { DigestTable } from "../../registry/graph/digest-table.ts";
import { loadBlobs } from "../../registry/graph/load-blobs.ts";
import { NumberList } from "../../registry/graph/number-list.ts";
import { OutageWatch } from "../../registry/outage-watch.ts";
import { isParked } from "../../registry/parked.ts";
import { REPOSITORIES_ROOT, repositoryPath } from "../../registry/paths.ts";
import { isRemote } from "../../registry/remote-store.ts";
import type { ScannedBlob } from "../../registry/scan/scan-blobs.ts";
import { scanRepositories } from "../../registry/scan/scan-repositories.ts";
import { StoreThreads } from "../../registry/threads/store-threads.ts";
import type { ScanFailure } from "../../storage/abilities.ts";
import { limitDriver } from "../../storage/wrappers/limit/limit-driver.ts";
import { metadataDatabaseProblem } from "../gc/check-state.ts";
import { RequestMeter } from "../gc/store-facts.ts";
import { BlobChecksums } from "./blob-checksums.ts";
import { FindingLog } from "./finding-log.ts";
import { givingWayUntil } from "./give-way.ts";
import { LooseEnds } from "./loose-ends.ts";
import { ManifestContents } from "./manifest-contents.ts";
import { outermostNames } from "./outermost-names.ts";
import { cacheWarning } from "./pull-through-cache.ts";
import { type ReadRepository, readAhead } from "./read-ahead.ts";
import { countRepositories, scanRepositoriesBelow } from "./repositories-below.ts";
import { RepositoryCheck } from "./repository-check.ts";
import { checkInTurn } from "./rotation/check-in-turn.ts";
import { StoredBlobs } from "./stored-blobs.ts";
import { UncheckedLog } from "./unchecked-log.ts";
import type { VerifyDependencies, VerifyOptions, VerifyProgress } from "./verify-options.ts";
import type { VerifyReport } from "./verify-report.ts";
import type { VerifyState } from "./verify-state.ts";

/**
 * Looks at a whole store, or at some repositories, and tells what a client could not pull. Changes nothing, needs no
 * lock, and takes nothing from a cache.
 *
 * @throws {RepositoryUnknownError} if one of `repositories` is not there
 * @throws {InvalidReferenceError} if one of them is not the name of a repository
 * @throws {StorageUnavailableError} if the store does not answer any more
 * @throws {CancelledError} when the signal is aborted
 */
export async function verifyRegistry(
  dependencies: VerifyDependencies,
  options: VerifyOptions,
): Promise<VerifyReport> {
  return new Verification(dependencies, options).run();
}

class Verification {
  readonly #dependencies: VerifyDependencies;
  readonly #options: VerifyOptions;
  readonly #state: VerifyState;
  readonly #listed = NumberList.integers();
  readonly #warnings: string[] = [];
  readonly #looseEnds = new LooseEnds();
  readonly #only: readonly string[];
  readonly #requests: RequestMeter;
  readonly #watch: OutageWatch | undefined;
  #hashedBytes = 0;
  #repositoriesDone = 0;
  #repositoriesTotal: number | undefined;
  #isInRepositories = false;
  #hasEmptyRepository = false;

  constructor(dependencies: VerifyDependencies, options: VerifyOptions) {
    const { concurrency } = options;
    if (isRemote(dependencies.driver)) {
      // Several repositories are read at a time, and share what may be under way.
      const limited = limitDriver(dependencies.driver, concurrency);
      this.#watch = new OutageWatch(limited, dependencies.signal);
    }
    const { driver, signal } = this.#watch ?? dependencies;
    this.#dependencies = { ...dependencies, driver, signal };
    this.#requests = new RequestMeter(driver);
    this.#options = options;
    this.#only = outermostNames(options.repositories);
    const table = new DigestTable();
    const unchecked = new UncheckedLog();
    const giveWay = givingWayUntil(signal, (reads) => this.#reportReads(reads));
    const findings = new FindingLog(table, options);
    const blobs = new StoredBlobs(driver, table, { unchecked, concurrency, giveWay });
    this.#state = {
      driver,
      table,
      blobs,
      manifests: new ManifestContents(driver, table, { blobs, findings, unchecked }),
      checksums: this.#makeChecksums(table, { blobs, findings, unchecked }),
      findings,
      onDamage: dependencies.onDamage ?? (() => undefined),
      unchecked,
      checked: { repositories: 0, tags: 0, manifests: 0, layerLinks: 0, blobs: 0, bytes: 0 },
      unneeded: { blobs: 0, bytes: 0, layerLinks: 0, temporaryFiles: 0 },
      concurrency,
      giveWay,
      sets: { revisions: new DigestSet(), layers: new DigestSet(), referenced: new DigestSet() },
    };
  }

  async run(): Promise<VerifyReport> {
    const startedMs = this.#dependencies.nowMs();
    try {
      await this.#lookAtAll();
    } catch (error) {
      this.#watch?.check();
      throw error;
    }
    return this.#report(startedMs);
  }

  async #lookAtAll(): Promise<void> {
    await this.#checkDatabase();
    const cache = await cacheWarning(this.#dependencies.driver);
    if (cache !== undefined) this.#warnings.push(cache);
    if (this.#only.length > 0) {
      await this.#checkOnly();
    } else {
      await this.#listBlobs();
      await this.#checkListed();
      await this.#checkRepositories();
      this.#checkWhole();
    }
  }

  /**
   * Blobs first: what a push adds meanwhile is looked for one by one. Only where the blobs will be read anyway, each of
   * their folders is listed; else it is enough that the file with the bytes is there.
   */
  async #listBlobs(): Promise<void> {
    const { driver, threads: limit = 0 } = this.#dependencies;
    const { blobs, checksums } = this.#state;
    const threads = checksums ? undefined : StoreThreads.for(driver, limit);
    const options = {
      ...this.#scanOptions(),
      threads,
      concurrency: this.#options.concurrency,
      needsStat: ({ sizeBytes }: ScannedBlob) => sizeBytes === undefined,
      // Asked for once more when it is added.
      onProblem: () => undefined,
      onMissing: () => undefined,
    };
    try {
      for await (const batch of loadBlobs(driver, options)) {
        await blobs.addListed(batch);
        if (checksums) for (const { id } of batch) this.#listed.push(id);
        this.#progress({ phase: "blobs", done: blobs.listed.blobs });
      }
    } finally {
      await threads?.close();
    }
  }

  async #checkListed(): Promise<void> {
    const { checksums, table, unchecked } = this.#state;
    const { rotation } = this.#options;
    if (!checksums) return;
    if (!rotation) return await checksums.check(this.#listed);
    const before = unchecked.total;
    await checkInTurn(checksums, this.#listed, { table, rotation, failures: () => unchecked.total });
    rotation.finish(unchecked.total > before);
  }

  async #checkRepositories(): Promise<void> {
    const { driver } = this.#dependencies;
    if (this.#dependencies.onProgress) this.#repositoriesTotal = await countRepositories(driver);
    this.#isInRepositories = true;
    for await (const read of readAhead(this.#state, scanRepositories(driver, this.#scanOptions()))) {
      await this.#checkRepository(read);
    }
  }

  /** Without a listing of all blobs: only those that are needed are looked at. */
  async #checkOnly(): Promise<void> {
    const { driver } = this.#dependencies;
    this.#isInRepositories = true;
    for (const name of this.#only) {
      await this.#requireRepository(name);
      const repositories = scanRepositoriesBelow(driver, name, this.#scanOptions());
      for await (const read of readAhead(this.#state, repositories)) await this.#checkRepository(read);
    }
    this.#looseEnds.addTo(this.#state.findings);
  }

  async #requireRepository(name: string): Promise<void> {
    try {
      await this.#dependencies.driver.stat(repositoryPath(name));
    } catch (error) {
      if (error instanceof PathNotFoundError) throw new RepositoryUnknownError(name, { cause: error });
      throw error;
    }
  }

  async #checkRepository(read: ReadRepository): Promise<void> {
    const { entries } = read;
    if (entries.isForeign && !isParked(entries.name)) {
      const message = `${JSON.stringify(entries.name)} is not a valid name of a repository, so nobody can pull from it`;
      this.#state.findings.add("invalid-repository-name", { message });
    } else {
      this.#looseEnds.dropKnown(entries);
      await new RepositoryCheck(this.#state, read).run();
    }
    this.#repositoriesDone++;
  }

  #reportReads(reads: number): void {
    if (!this.#isInRepositories) return;
    const total = this.#repositoriesTotal;
    this.#progress({
      phase: "repositories",
      done: this.#repositoriesDone,
      ...(total === undefined ? {} : { total }),
      files: reads,
    });
  }

  #checkWhole(): void {
    const { blobs, checked, findings, unchecked } = this.#state;
    this.#looseEnds.addTo(this.#state.findings);
    const mayHaveRepositories = this.#hasEmptyRepository || unchecked.total > 0;
    if (checked.repositories === 0 && blobs.listed.blobs > 0 && !mayHaveRepositories) {
      const message = `there are ${blobs.listed.blobs} blobs and no repository: is all of the store mounted?`;
      findings.add("no-repositories", { message });
    }
    if (this.#repositoriesDone === 0 && blobs.listed.blobs === 0 && !mayHaveRepositories) {
      findings.add("empty-store", { message: "there is nothing in the store: is it mounted?" });
    }
  }

  /** What a database refers to cannot be seen from here. */
  async #checkDatabase(): Promise<void> {
    const problem = await metadataDatabaseProblem(
      this.#dependencies.driver,
      this.#options.usesMetadataDatabase,
    );
    if (!problem) return;
    this.#state.unchecked.add("the metadata database", "only what is in the store can be verified");
    this.#warnings.push(problem.message);
  }

  #scanOptions() {
    return {
      table: this.#state.table,
      signal: this.#dependencies.signal,
      onFailure: ({ path, error }: ScanFailure) => {
        // The server may end an upload at any time, and no upload matters here.
        if (error instanceof PathNotFoundError && path.includes("/_uploads")) return;
        this.#state.unchecked.add(path, error);
      },
      onEmptyFolder: (path: string) => {
        if (path.startsWith(REPOSITORIES_ROOT)) this.#hasEmptyRepository = true;
        this.#looseEnds.addEmptyFolder(path);
      },
      onTemporaryFile: () => void this.#state.unneeded.temporaryFiles++,
      onFolderMarker: (key: string) => this.#looseEnds.addFolderMarker(key),
      onStray: (path: string) => this.#looseEnds.addStray(path),
    };
  }

  #makeChecksums(
    table: DigestTable,
    parts: { blobs: StoredBlobs; findings: FindingLog; unchecked: UncheckedLog },
  ): BlobChecksums | undefined {
    const { driver, signal, random = Math.random } = this.#dependencies;
    const { checksumPercent: percent, concurrency } = this.#options;
    if (percent === undefined || percent === 0) return undefined;
    const onBytes = (bytes: number): void => {
      this.#hashedBytes += bytes;
      const total = (parts.blobs.listed.bytes * percent) / 100;
      this.#progress({ phase: "checksums", done: this.#hashedBytes, total });
    };
    const { rotation } = this.#options;
    const chooses = (digest: Digest): boolean =>
      rotation ? rotation.takes(digest) : random() * 100 < percent;
    return new BlobChecksums(driver, table, { ...parts, percent, chooses, concurrency, signal, onBytes });
  }

  #progress(progress: VerifyProgress): void {
    this.#dependencies.onProgress?.(progress);
  }

  #report(startedMs: number): VerifyReport {
    const { blobs, checked, checksums, findings, unchecked, unneeded } = this.#state;
    const { requests } = this.#requests;
    const problemCount = findings.problemCount();
    return {
      schemaVersion: 1,
      command: "verify",
      complete: problemCount === 0 && unchecked.total === 0,
      ...(this.#only.length > 0 ? { onlyRepositories: this.#only } : {}),
      ...(checksums ? { checksum: checksums.share } : {}),
      checked: { ...checked, ...(this.#only.length > 0 ? blobs.needed : blobs.listed) },
      unneeded: { ...unneeded, ...blobs.unneeded },
      ...(this.#options.strict ? { strict: true } : {}),
      problemCount,
      counts: findings.counts(),
      problems: findings.problems(),
      notices: findings.notices(),
      uncheckedCount: unchecked.total,
      unchecked: unchecked.first,
      warnings: this.#warnings,
      ...(requests ? { requests } : {}),
      seconds: Math.round(this.#dependencies.nowMs() - startedMs) / 1000,
    };
  }
}
