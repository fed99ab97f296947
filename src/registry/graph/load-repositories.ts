import { CancelledError, PathNotFoundError } from "../../errors.ts";
import { mapInOrder } from "../../lib/map-in-order.ts";
import { isRepositoryName } from "../../oci/reference.ts";
import { hasSynchronousFolders, type SynchronousFolders } from "../../storage/abilities.ts";
import type { StorageDriver } from "../../storage/driver.ts";
import { limitDriver } from "../../storage/wrappers/limit/limit-driver.ts";
import { OutageWatch } from "../outage-watch.ts";
import { REPOSITORIES_ROOT } from "../paths.ts";
import { isRemote } from "../remote-store.ts";
import { RepositoryEntries } from "../scan/repository-entries.ts";
import {
  type RepositoryScanOptions,
  repositoryNameOf,
  scanRepositories,
  scanRepository,
} from "../scan/scan-repositories.ts";
import { SHA256_BYTES } from "../threads/digest-list.ts";
import type { RepositoryListing } from "../threads/read-repositories.ts";
import type { StoreThreads } from "../threads/store-threads.ts";
import type { DigestId, DigestTable } from "./digest-table.ts";
import { ManifestLoader } from "./load-manifests.ts";
import type { ManifestRecordSource } from "./manifest-record-source.ts";
import { type GraphOptions, graphOf, loadRepositoryGraph, type RepositoryGraph } from "./repository-graph.ts";

/** So many repositories are read by one task: waking a thread can cost as much as reading a small repository. */
const REPOSITORIES_PER_TASK = 16;
/** So many groups of repositories are read ahead of the one that is asked for. */
const GROUPS_AHEAD = 5;
/** Repositories are read ahead only as long as they have no more links together, which bounds memory. */
const LINKS_AHEAD = 200_000;
/** The folders that a repository has. */
const PARTS = ["_layers", "_manifests", "_uploads"];

/** Options of {@link loadRepositories}. */
export interface LoadOptions extends RepositoryScanOptions, GraphOptions {
  /** Where tasks run; undefined if they cannot run on this driver. */
  threads: StoreThreads | undefined;
  /** What earlier runs have read of manifests; none by default. */
  manifestCache?: ManifestRecordSource | undefined;
  /** Whether the times of tags and revisions are wanted where a listing does not tell them and it costs little. */
  wantsTimes?: boolean | undefined;
}

/**
 * All repositories of a store in key order, with their tags read and their manifests loaded. On a store with folders
 * several are read at a time, in threads, and folders that are named by a digest are not looked into; a repository in
 * which anything is unusual is read once more, file by file. On an object store the listing goes on while tags and
 * manifests of several are read.
 *
 * @throws {CancelledError} when `signal` is aborted
 */
export async function* loadRepositories(
  driver: StorageDriver,
  options: LoadOptions,
): AsyncGenerator<RepositoryGraph> {
  const remembered = rememberManifests(options);
  try {
    yield* load(driver, options, remembered);
    // There may be no repository.
    await remembered;
  } finally {
    await remembered.catch(() => undefined);
  }
}

async function* load(
  driver: StorageDriver,
  options: LoadOptions,
  remembered: Promise<void>,
): AsyncGenerator<RepositoryGraph> {
  if (options.threads === undefined || !hasSynchronousFolders(driver)) {
    await remembered;
    yield* isRemote(driver) ? loadAhead(driver, options) : loadOneByOne(driver, options);
    return;
  }
  const reader = new RepositoryReader(driver, options.threads, { ...options, remembered });
  const groups = inGroups(reader.folders(), REPOSITORIES_PER_TASK);
  for await (const graphs of mapInOrder(groups, GROUPS_AHEAD, (group) => reader.read(group))) {
    for (const graph of graphs) {
      if (options.signal?.aborted) throw new CancelledError();
      yield graph;
    }
  }
}

function rememberManifests({ manifestCache, references }: LoadOptions): Promise<void> {
  const remembered = manifestCache?.load((algorithm, digest, record) =>
    references.remember(algorithm, digest, record),
  );
  // Whoever waits for it is told.
  remembered?.catch(() => undefined);
  return remembered ?? Promise.resolve();
}

async function* loadOneByOne(driver: StorageDriver, options: LoadOptions): AsyncGenerator<RepositoryGraph> {
  for await (const entries of scanRepositories(driver, options)) {
    yield await loadRepositoryGraph(driver, entries, options);
  }
}

/**
 * Where each file is a request: files of several repositories are read at a time, while the listing goes on.
 *
 * @throws {StorageUnavailableError} if the store does not answer any more
 */
async function* loadAhead(driver: StorageDriver, options: LoadOptions): AsyncGenerator<RepositoryGraph> {
  const { concurrency } = options;
  // Of all these repositories together.
  const watch = new OutageWatch(limitDriver(driver, concurrency), options.signal);
  const { signal } = watch;
  try {
    yield* mapInOrder(
      scanRepositories(driver, options),
      concurrency,
      (entries) => loadRepositoryGraph(watch.driver, entries, { ...options, signal }),
      { weightOf: linksOf, maxWeight: LINKS_AHEAD },
    );
    watch.check();
  } catch (error) {
    watch.check();
    throw error;
  }
}

function linksOf({ layers, revisions, tags }: RepositoryEntries): number {
  let count = layers.length + revisions.length + tags.size;
  for (const { history } of tags.values()) count += history.length;
  return count;
}

async function* inGroups<T>(items: AsyncIterable<T>, size: number): AsyncGenerator<T[]> {
  let group: T[] = [];
  for await (const item of items) {
    group.push(item);
    if (group.length < size) continue;
    yield group;
    group = [];
  }
  if (group.length > 0) yield group;
}

/** A folder with something whose name begins with `_`. */
interface RepositoryFolder {
  name: string;
  /** Its folders of that kind, by name. */
  parts: string[];
  /** Paths of its files of that kind, which the layout does not have. */
  files: string[];
}

interface ReaderOptions extends LoadOptions {
  /** Resolves when all is known that earlier runs have read; folders are listed meanwhile. */
  remembered: Promise<void>;
}

class RepositoryReader {
  readonly #driver: StorageDriver & SynchronousFolders;
  readonly #threads: StoreThreads;
  readonly #options: ReaderOptions;
  readonly #manifests: ManifestLoader;

  constructor(driver: StorageDriver & SynchronousFolders, threads: StoreThreads, options: ReaderOptions) {
    this.#driver = driver;
    this.#threads = threads;
    this.#options = options;
    this.#manifests = new ManifestLoader({ ...options, driver, threads });
  }

  async *folders(): AsyncGenerator<RepositoryFolder> {
    const { onFailure, onStray, signal } = this.#options;
    let current: RepositoryFolder | undefined;
    const isPart = (path: string): boolean => repositoryNameOf(path) !== undefined;
    for await (const batch of this.#driver.scanDownTo(REPOSITORIES_ROOT, isPart, onFailure, this.#options)) {
      if (signal?.aborted) throw new CancelledError();
      for (const { path } of batch) {
        const name = repositoryNameOf(path);
        if (name === undefined) {
          onStray(path);
          continue;
        }
        if (current?.name !== name) {
          if (current) yield current;
          current = { name, parts: [], files: [] };
        }
        if (path.endsWith("/"))
          current.parts.push(path.slice(path.lastIndexOf("/", path.length - 2) + 1, -1));
        else current.files.push(path);
      }
    }
    if (current) yield current;
  }

  /** @returns the graphs of those that are more than empty folders */
  async read(group: readonly RepositoryFolder[]): Promise<RepositoryGraph[]> {
    const { remembered, signal, table, wantsTimes = false } = this.#options;
    if (signal?.aborted) return [];
    const usual = group.filter(isUsual);
    const inputs = usual.map(({ name, parts }) => ({
      folder: `${REPOSITORIES_ROOT}/${name}`,
      parts,
      wantsTimes,
    }));
    const listings = await this.#threads.run("readRepositories", inputs);
    await remembered;
    const graphs = new Map<RepositoryFolder, RepositoryGraph>();
    const manifests = new Set<DigestId>();
    for (const [index, found] of usual.entries()) {
      const listing = listings[index];
      if (!listing) continue;
      const graph = graphFrom(found.name, listing, table);
      graphs.set(found, graph);
      for (const id of graph.entries.revisions.ids()) manifests.add(id);
      for (const id of graph.tagTargets.values()) manifests.add(id);
    }
    await this.#manifests.load(manifests);
    const result: RepositoryGraph[] = [];
    for (const found of group) {
      const graph = graphs.get(found) ?? (await this.#readWithCare(found));
      if (graph) result.push(graph);
    }
    return result;
  }

  async #readWithCare({ name, parts, files }: RepositoryFolder): Promise<RepositoryGraph | undefined> {
    const entries = await scanRepository(this.#driver, { name, parts, files }, this.#options);
    for (const part of parts) this.#checkPresent(`${REPOSITORIES_ROOT}/${name}/${part}`);
    return entries && (await loadRepositoryGraph(this.#driver, entries, this.#options));
  }

  /** What is gone by now may have been gone before it was read. */
  #checkPresent(path: string): void {
    const { onFailure, onEmptyFolder } = this.#options;
    try {
      const names = this.#driver.listNamesSync(path);
      if (names === undefined) onFailure({ path, error: new PathNotFoundError(this.#driver.name, path) });
      else if (names.length === 0) onEmptyFolder?.(path);
    } catch {
      // The scan has told of it.
    }
  }
}

function isUsual({ name, parts, files }: RepositoryFolder): boolean {
  return isRepositoryName(name) && files.length === 0 && parts.every((part) => PARTS.includes(part));
}

function graphFrom(name: string, listing: RepositoryListing, table: DigestTable): RepositoryGraph {
  const { layers, revisions, tags, targets, historyCounts, history, tagTimes, revisionTimes } = listing;
  const entries = new RepositoryEntries(name, false);
  for (let at = 0; at < layers.length; at += SHA256_BYTES)
    entries.layers.push(table.internBytes(0, layers, at));
  for (let at = 0; at < revisions.length; at += SHA256_BYTES) {
    entries.revisions.push(table.internBytes(0, revisions, at), known(revisionTimes[at / SHA256_BYTES]));
  }
  const graph = graphOf(entries);
  let at = 0;
  for (const [index, tag] of tags.entries()) {
    graph.tagTargets.set(tag, table.internBytes(0, targets, index * SHA256_BYTES));
    entries.addTagLink(tag, known(tagTimes[index]));
    for (let count = historyCounts[index] ?? 0; count > 0; count--, at += SHA256_BYTES) {
      entries.addHistoryLink(tag, table.internBytes(0, history, at), undefined);
    }
  }
  return graph;
}

function known(timeMs: number | undefined): number | undefined {
  return timeMs === undefined || Number.isNaN(timeMs) ? undefined : timeMs;
}
