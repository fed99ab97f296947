import { byName } from "../../lib/compare-text.ts";
import { forEachConcurrently } from "../../lib/for-each-concurrently.ts";
import type { Digest } from "../../oci/digest.ts";
import { listCatalog } from "../../registry/catalog.ts";
import { RepositoryUnknownError } from "../../registry/errors.ts";
import { givingWay } from "../../registry/give-way.ts";
import { OutageWatch } from "../../registry/outage-watch.ts";
import { isParked } from "../../registry/parked.ts";
import { revisionLinkPath, revisionsPath, tagCurrentLinkPath } from "../../registry/paths.ts";
import { isRemote, usualConcurrency } from "../../registry/remote-store.ts";
import { scanFiles } from "../../registry/scan/scan-files.ts";
import { fileSizeBytes, statSmallFile } from "../../registry/small-file.ts";
import { TagStore } from "../../registry/tag-store.ts";
import type { StorageDriver } from "../../storage/driver.ts";
import { type ManifestContent, storedContent } from "./manifest-content.ts";
import { type ManifestFacts, ManifestReader, UNREAD_FACTS } from "./manifest-facts.ts";
import { namesByDigest } from "./names-by-digest.ts";
import type { TagRecorder } from "./record-untagged.ts";
import { type RemovalParts, removeTags } from "./remove-tags.ts";
import { listAllTagFiles, readTarget, type TagFiles, type TagLink, targetsOf } from "./tag-links.ts";
import type { RemovalOptions, TagFacts, TagSource, TagTarget, WantedFacts } from "./tag-source.ts";

/** So many repositories are asked for at a time. */
const CATALOG_PAGE = 1000;

/** The tags of the repositories in a store. */
export class StoreTags implements TagSource {
  readonly #driver: StorageDriver;
  readonly #recorder: TagRecorder;
  #listed: { repository: string; files: ReadonlyMap<string, TagFiles> } | undefined;

  /** @param recorder - where it is written down what is removed */
  constructor(driver: StorageDriver, recorder: TagRecorder) {
    this.#driver = driver;
    this.#recorder = recorder;
  }

  get location(): string {
    return this.#driver.location;
  }

  async *repositories(signal?: AbortSignal): AsyncGenerator<string> {
    let last: string | undefined;
    for (;;) {
      const { names, more } = await listCatalog(this.#driver, {
        limit: CATALOG_PAGE,
        ...(last === undefined ? {} : { last }),
      });
      for (const name of names) {
        signal?.throwIfAborted();
        if (!isParked(name)) yield name;
      }
      last = names.at(-1);
      if (!more) return;
    }
  }

  async names(repository: string, signal?: AbortSignal): Promise<string[]> {
    if (!isRemote(this.#driver)) return this.#listedNames(repository);
    const files = await listAllTagFiles(this.#driver, repository, signal);
    this.#listed = { repository, files };
    return [...files]
      .filter(([, { current }]) => current !== undefined)
      .map(([name]) => name)
      .sort();
  }

  async tags(repository: string, signal?: AbortSignal): Promise<TagTarget[]> {
    const links = await this.#links(this.#driver, repository, signal);
    return links.map(({ name, digest }) => ({ name, digest }));
  }

  async facts(
    repository: string,
    wanted: readonly string[] | undefined,
    wants: WantedFacts,
    signal?: AbortSignal,
  ): Promise<TagFacts[]> {
    // A store that answers no more is not asked for each of thousands of tags.
    const watch = new OutageWatch(this.#driver, signal);
    const { driver } = watch;
    try {
      const links = await this.#links(driver, repository, watch.signal);
      const tagsOf = namesByDigest(links);
      const names = wanted === undefined ? undefined : new Set(wanted);
      const manifests = new RepositoryManifests(driver, repository, wants, watch.signal);
      const facts: TagFacts[] = [];
      await forEachConcurrently(links, usualConcurrency(driver), async ({ name, digest, pushedMs }) => {
        watch.signal.throwIfAborted();
        if (digest === undefined || names?.has(name) === false) return;
        const { mediaType, created, sizeBytes, platforms, isMissing } = await manifests.facts(digest);
        const pushed = wants.pushed
          ? (pushedMs ?? (await this.#pushedMs(driver, repository, name)))
          : undefined;
        facts.push({
          ...{ name, digest, mediaType, pushedMs: pushed, created, sizeBytes, platforms },
          // Made when it is asked for: thousands of tags on one digest would each name all the others.
          get siblings() {
            return (tagsOf.get(digest) ?? []).filter((each) => each !== name);
          },
          isManifestMissing: isMissing,
        });
      });
      watch.check();
      return facts.sort(byName);
    } catch (error) {
      watch.check();
      signal?.throwIfAborted();
      throw error;
    }
  }

  manifests(_repository: string, signal?: AbortSignal): Pick<ManifestContent, "manifest"> {
    const watch = new OutageWatch(this.#driver, signal);
    const content = storedContent(watch.driver);
    return {
      async manifest(digest) {
        watch.check();
        return content.manifest(digest);
      },
    };
  }

  async remove(repository: string, tags: readonly TagTarget[], options: RemovalOptions): Promise<void> {
    await removeTags(this.#removal(repository), tags, options);
  }

  async sweepLeftovers(repository: string, names: readonly string[], signal?: AbortSignal): Promise<void> {
    // A tag that somebody has pushed meanwhile has a digest, and stays.
    const tags = names.map((name) => ({ name, digest: undefined }));
    await removeTags(this.#removal(repository), tags, { signal, onOutcome: () => {} });
  }

  #removal(repository: string): RemovalParts {
    const recorder = this.#recorder;
    return {
      ...{ driver: this.#driver, repository, watcher: recorder.of(repository) },
      settle: () => recorder.sync(),
    };
  }

  async #listedNames(repository: string): Promise<string[]> {
    try {
      return (await new TagStore(this.#driver, repository).list()).tags;
    } catch (error) {
      if (error instanceof RepositoryUnknownError) return [];
      throw error;
    }
  }

  /** In byte order of the names. */
  async #links(
    driver: StorageDriver,
    repository: string,
    signal: AbortSignal | undefined,
  ): Promise<TagLink[]> {
    if (isRemote(driver)) return targetsOf(driver, repository, await this.#files(driver, repository, signal));
    const links: TagLink[] = [];
    const giveWay = givingWay();
    for (const name of await this.#listedNames(repository)) {
      await giveWay();
      signal?.throwIfAborted();
      const target = await readTarget(driver, repository, name);
      if (target === undefined) continue;
      links.push({ name, digest: target === "broken" ? undefined : target, pushedMs: undefined });
    }
    return links;
  }

  /** What the names were taken from is good for what is asked next of them, once. */
  async #files(
    driver: StorageDriver,
    repository: string,
    signal: AbortSignal | undefined,
  ): Promise<ReadonlyMap<string, TagFiles>> {
    const listed = this.#listed;
    this.#listed = undefined;
    if (listed?.repository === repository) return listed.files;
    return listAllTagFiles(driver, repository, signal);
  }

  async #pushedMs(driver: StorageDriver, repository: string, tag: string): Promise<number | undefined> {
    return (await statSmallFile(driver, tagCurrentLinkPath(repository, tag)))?.modifiedMs;
  }
}

/** What is known of the manifests of one repository. */
class RepositoryManifests {
  readonly #driver: StorageDriver;
  readonly #repository: string;
  readonly #reader: ManifestReader | undefined;
  readonly #signal: AbortSignal;
  #revisions: Promise<ReadonlySet<string>> | undefined;

  constructor(driver: StorageDriver, repository: string, wants: WantedFacts, signal: AbortSignal) {
    this.#driver = driver;
    this.#repository = repository;
    this.#signal = signal;
    const wantsManifests = wants.created || wants.size || wants.platforms;
    this.#reader = wantsManifests ? new ManifestReader(storedContent(driver), wants) : undefined;
  }

  async facts(digest: Digest): Promise<ManifestFacts> {
    if (this.#reader === undefined) return UNREAD_FACTS;
    const [facts, isLinked] = await Promise.all([this.#reader.facts(digest), this.#isLinked(digest)]);
    return { ...facts, isMissing: facts.isMissing || !isLinked };
  }

  /** Where each look is a request, all of them are listed. */
  async #isLinked(digest: Digest): Promise<boolean> {
    const path = revisionLinkPath(this.#repository, digest);
    if (!isRemote(this.#driver)) return (await fileSizeBytes(this.#driver, path)) !== undefined;
    this.#revisions ??= this.#listRevisions();
    return (await this.#revisions).has(path);
  }

  async #listRevisions(): Promise<ReadonlySet<string>> {
    const paths = new Set<string>();
    const failures: unknown[] = [];
    const options = {
      onFailure: ({ error }: { error: unknown }) => failures.push(error),
      signal: this.#signal,
    };
    for await (const batch of scanFiles(this.#driver, revisionsPath(this.#repository), options))
      for (const { path } of batch) paths.add(path);
    if (failures.length > 0) throw failures[0];
    return paths;
  }
}
