import { CancelledError } from "../../../errors.ts";
import { forEachConcurrently } from "../../../lib/for-each-concurrently.ts";
import type { ComparedFile } from "../../../registry/copy/compared-file.ts";
import { RepositoryUnknownError } from "../../../registry/errors.ts";
import { DigestTable } from "../../../registry/graph/digest-table.ts";
import {
  BLOBS_ROOT,
  blobDataPath,
  classifyPath,
  REPOSITORIES_ROOT,
  repositoryPath,
} from "../../../registry/paths.ts";
import { isRemote } from "../../../registry/remote-store.ts";
import { statSmallFile } from "../../../registry/small-file.ts";
import { STORE_LOCK_PATH } from "../../../state/store-lock.ts";
import { hasStoreClock } from "../../../storage/abilities.ts";
import type { StorageDriver } from "../../../storage/driver.ts";
import { sortKeys } from "../../../storage/key-order.ts";
import { metadataDatabaseProblem } from "../../gc/check-state.ts";
import { givingWayUntil } from "../give-way.ts";
import { outermostNames } from "../outermost-names.ts";
import type { VerifyReport } from "../verify-report.ts";
import type { AgainstDependencies, AgainstOptions } from "./against-options.ts";
import type { AgainstReport, FolderCounts } from "./against-report.ts";
import { BlobComparison } from "./blob-comparison.ts";
import { checkTargetGraph } from "./check-target-graph.ts";
import { ComparedStores } from "./compared-stores.ts";
import { ComparisonFindings } from "./comparison-findings.ts";
import { FileComparison, type FileOutcome } from "./file-comparison.ts";
import { listOthers } from "./other-files.ts";
import { SameManifests } from "./same-manifests.ts";

/** Object stores give times in whole seconds, rounded down, and clocks of a disk may be coarse. */
const TIME_GRAIN_MS = 2000;
/** So many blobs are looked at together where they are not listed. */
const BLOBS_AT_ONCE = 1000;

/**
 * Compares what two stores hold, file by file and both in key order: names, sizes, the contents of links, and the digests
 * of as many blobs as was asked for; then, if asked for, what of the target cannot be pulled. Changes nothing and
 * needs no lock. What differs only because the source is in use is counted apart.
 *
 * @throws {RepositoryUnknownError} if neither store has one of `repositories`
 * @throws {InvalidReferenceError} if one of them is not the name of a repository
 * @throws {StorageUnavailableError} if a store does not answer any more
 * @throws {CancelledError} when the signal is aborted
 */
export async function compareStores(
  source: StorageDriver,
  target: StorageDriver,
  dependencies: AgainstDependencies,
  options: AgainstOptions,
): Promise<AgainstReport> {
  return new StoreComparison(source, target, dependencies, options).run();
}

class StoreComparison {
  readonly #stores: ComparedStores;
  readonly #dependencies: AgainstDependencies;
  readonly #options: AgainstOptions;
  readonly #only: readonly string[];
  readonly #blobs: BlobComparison;
  readonly #manifests: SameManifests | undefined;
  readonly #findings = new ComparisonFindings();

  constructor(
    source: StorageDriver,
    target: StorageDriver,
    dependencies: AgainstDependencies,
    options: AgainstOptions,
  ) {
    this.#stores = new ComparedStores(source, target, dependencies.signal);
    this.#dependencies = dependencies;
    this.#options = options;
    this.#only = outermostNames(options.repositories ?? []);
    const isUpload = !isRemote(source) && isRemote(target);
    const wantsManifests = options.checkGraph && options.readsSameAtSource && isUpload;
    this.#manifests = wantsManifests ? new SameManifests(source) : undefined;
    this.#blobs = new BlobComparison(this.#stores.source, this.#stores.target, {
      ...options,
      random: dependencies.random ?? Math.random,
      signal: this.#stores.signal,
      onBytes: (bytes) => {
        this.#findings.hashedBytes += bytes;
        this.#progress();
      },
    });
  }

  async run(): Promise<AgainstReport> {
    const startedMs = this.#dependencies.nowMs();
    const { source, target } = this.#stores;
    const { unchecked, failed } = this.#findings;
    try {
      const asOfMs = await this.#asOfMs();
      const files = new FileComparison({
        ...{ source, target, blobs: this.#blobs, unchecked, failed },
        ...{ manifests: this.#manifests, asOfMs },
      });
      if (this.#only.length > 0) await this.#compareOnly(files);
      else await this.#compareAll(files);
      this.#options.rotation?.finish(unchecked.total > 0);
      return this.#report(startedMs, await this.#checkGraph());
    } catch (error) {
      this.#stores.requireAnswers();
      throw error;
    }
  }

  async #compareAll(files: FileComparison): Promise<void> {
    await this.#comparePass(files, "blobs", BLOBS_ROOT);
    await this.#comparePass(files, "repositories", REPOSITORIES_ROOT);
    await this.#compareOthers(files);
    this.#findings.warnOfEmptySides();
  }

  async #compareOnly(files: FileComparison): Promise<void> {
    const findings = this.#findings;
    const digests = new DigestTable();
    for (const name of this.#only) {
      const seen = findings.files;
      await this.#comparePass(files, "repositories", repositoryPath(name), ({ path }) => {
        const entry = classifyPath(path);
        if (entry.kind === "layerLink" || entry.kind === "revisionLink") digests.intern(entry.digest);
      });
      if (findings.files === seen && findings.unchecked.total === 0) throw new RepositoryUnknownError(name);
    }
    findings.phase = "blobs";
    const paths = sortKeys([...digests.ids()].map((id) => blobDataPath(digests.digestOf(id))));
    for (let at = 0; at < paths.length; at += BLOBS_AT_ONCE) {
      await this.#compareUnlisted(files, paths.slice(at, at + BLOBS_AT_ONCE), findings.counts.blobs);
    }
  }

  async #comparePass(
    files: FileComparison,
    pass: "blobs" | "repositories",
    folder: string,
    visit?: (file: ComparedFile) => void,
  ): Promise<void> {
    this.#findings.phase = pass;
    for await (const batch of this.#merge(folder)) {
      const some = batch.filter(({ path }) => !path.includes("/_uploads/"));
      if (visit) some.forEach(visit);
      await this.#compareBatch(files, some, this.#findings.counts[pass]);
    }
  }

  async #compareOthers(files: FileComparison): Promise<void> {
    const { other } = this.#findings.counts;
    this.#findings.phase = "other";
    const [source, target] = await Promise.all(
      this.#stores.sides.map(({ driver, name }) =>
        listOthers(driver, ({ path, error }) => this.#findings.addFailure(name, path, error)),
      ),
    );
    const both = (key: "files" | "folders"): string[] =>
      sortKeys([...new Set([...(source?.[key] ?? []), ...(target?.[key] ?? [])])]);
    await this.#compareUnlisted(files, both("files"), other);
    for (const folder of both("folders")) {
      for await (const batch of this.#merge(folder)) {
        // The lock of whoever compares is gone a moment later.
        const lasting = batch.filter(({ path }) => path !== STORE_LOCK_PATH);
        await this.#compareBatch(files, lasting, other);
      }
    }
  }

  #merge(folder: string): AsyncIterable<ComparedFile[]> {
    return this.#stores.merge(folder, (side, { path, error }) =>
      this.#findings.addFailure(side, path, error),
    );
  }

  /** Compares files that were not listed, of which each side may have any or none. */
  async #compareUnlisted(
    files: FileComparison,
    paths: readonly string[],
    counts: FolderCounts,
  ): Promise<void> {
    const found: ComparedFile[] = [];
    await forEachConcurrently(paths.entries(), this.#options.concurrency, async ([index, path]) => {
      try {
        const [source, target] = await Promise.all(
          this.#stores.sides.map(({ driver }) => statSmallFile(driver, path)),
        );
        found[index] = {
          path,
          source: source && { path, ...source },
          target: target && { path, ...target },
        };
      } catch (error) {
        if (error instanceof CancelledError) throw error;
        this.#findings.unchecked.add(path, error);
      }
    });
    await this.#compareBatch(
      files,
      found.filter((file) => file?.source ?? file?.target),
      counts,
    );
  }

  async #compareBatch(
    files: FileComparison,
    batch: readonly ComparedFile[],
    counts: FolderCounts,
  ): Promise<void> {
    const outcomes: FileOutcome[] = [];
    const { signal } = this.#stores;
    const giveWay = givingWayUntil(signal);
    await forEachConcurrently(batch.entries(), this.#options.concurrency, async ([index, file]) => {
      await giveWay();
      if (signal.aborted) throw new CancelledError();
      outcomes[index] = await files.compare(file, counts);
    });
    for (const [index, { path }] of batch.entries()) this.#findings.addFile(path, outcomes[index]);
    this.#progress(batch.at(-1)?.path);
  }

  async #checkGraph(): Promise<VerifyReport | undefined> {
    const { checkGraph, concurrency } = this.#options;
    if (!checkGraph) return undefined;
    this.#findings.phase = "graph";
    const { source, target, signal } = this.#stores;
    const { driver } = this.#findings.isAlike && this.#manifests?.areAllSame ? source : target;
    return checkTargetGraph(
      { target: target.driver, driver },
      {
        ...{ only: this.#only, concurrency, nowMs: this.#dependencies.nowMs, signal },
        onProgress: () => this.#progress(),
      },
    );
  }

  /** By the source's clock. A disk tells its time by a file, and nothing is to be written: there it is ours. */
  async #asOfMs(): Promise<number | undefined> {
    const { asOfMs, sourceIsHeld, usesMetadataDatabase = false } = this.#options;
    const { driver } = this.#stores.source;
    const database = await metadataDatabaseProblem(driver, usesMetadataDatabase);
    if (database) this.#findings.warnings.push(`${database.message}; the database itself is not compared`);
    if (sourceIsHeld) return undefined;
    if (asOfMs !== undefined) return asOfMs;
    const now = isRemote(driver) && hasStoreClock(driver) ? await driver.now() : this.#dependencies.nowMs();
    return now - TIME_GRAIN_MS;
  }

  #progress(path?: string): void {
    this.#dependencies.onProgress?.(this.#findings.progress(path));
  }

  #report(startedMs: number, graph: VerifyReport | undefined): AgainstReport {
    const { source, target, requests } = this.#stores;
    return this.#findings.report({
      store: source.driver.location,
      against: target.driver.location,
      only: this.#only,
      checksum: this.#blobs.share,
      ...{ graph, requests },
      seconds: Math.round(this.#dependencies.nowMs() - startedMs) / 1000,
    });
  }
}
