import type { LRUCache } from "lru-cache";
import { DigestMismatchError } from "../errors.ts";
import { forEachConcurrently } from "../lib/for-each-concurrently.ts";
import type { Descriptor } from "../oci/descriptor.ts";
import { type Digest, digestAlgorithm, digestHex } from "../oci/digest.ts";
import { InvalidManifestError } from "../oci/manifest.ts";
import type { StorageDriver } from "../storage/driver.ts";
import { ManifestUnknownError, TagUnknownError } from "./errors.ts";
import type { ManifestStore } from "./manifest-store.ts";
import { isRemote } from "./remote-store.ts";
import { RevisionIndex } from "./revision-index.ts";
import type { TagStore } from "./tag-store.ts";

/** So many links are looked for at a time where that takes requests. */
const REQUESTS_AT_ONCE = 16;
/** The longest reference part of a referrers tag. */
const MAX_TAG_HEX = 64;

/**
 * Which manifests of one repository refer to others by their `subject`.
 * @see https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#listing-referrers
 */
export class ReferrerIndex {
  readonly #driver: StorageDriver;
  readonly #repository: string;
  readonly #manifests: ManifestStore;
  readonly #tags: TagStore;
  readonly #indexes: LRUCache<string, RevisionIndex>;

  constructor(
    driver: StorageDriver,
    repository: string,
    parts: { manifests: ManifestStore; tags: TagStore; indexes: LRUCache<string, RevisionIndex> },
  ) {
    this.#driver = driver;
    this.#repository = repository;
    this.#manifests = parts.manifests;
    this.#tags = parts.tags;
    this.#indexes = parts.indexes;
  }

  /**
   * Finds what refers to a manifest, whether that exists or not; what another registry program stored or deleted in the
   * meantime is seen. The first call for a repository reads all its manifests, later ones only new ones. The entries
   * of a referrers tag (`sha256-<hex>`), which clients keep for registries without this list, are included as far as
   * their manifests exist.
   *
   * @returns descriptors with `artifactType` and annotations, each digest once, in byte order of digests
   */
  async of(subject: Digest): Promise<Descriptor[]> {
    const index = await this.#refreshed();
    const entries = new Map<Digest, Descriptor>();
    for (const entry of await this.#taggedEntries(subject)) entries.set(entry.digest, entry);
    for (const entry of index.referrersOf(subject)) entries.set(entry.digest, entry);
    const existing: Descriptor[] = [];
    await forEachConcurrently(
      entries.values(),
      isRemote(this.#driver) ? REQUESTS_AT_ONCE : 1,
      async (entry) => {
        if (await this.#manifests.isLinked(entry.digest)) existing.push(entry);
      },
    );
    return existing.sort((a, b) => (a.digest < b.digest ? -1 : 1));
  }

  async #refreshed(): Promise<RevisionIndex> {
    const index = this.#indexes.get(this.#repository) ?? new RevisionIndex();
    // At once, so that others who ask meanwhile share the work.
    if (!this.#indexes.has(this.#repository)) this.#indexes.set(this.#repository, index);
    const weight = index.weight;
    await index.refresh(this.#driver, this.#repository);
    if (index.weight !== weight) {
      // The cache weighs an entry only when it is new.
      this.#indexes.delete(this.#repository);
      this.#indexes.set(this.#repository, index);
    }
    return index;
  }

  async #taggedEntries(subject: Digest): Promise<Descriptor[]> {
    const tag = `${digestAlgorithm(subject)}-${digestHex(subject).slice(0, MAX_TAG_HEX)}`;
    try {
      const { manifest } = await this.#manifests.get(await this.#tags.resolve(tag));
      return manifest.children;
    } catch (error) {
      if (error instanceof TagUnknownError || error instanceof ManifestUnknownError) return [];
      if (error instanceof InvalidManifestError || error instanceof DigestMismatchError) return [];
      throw error;
    }
  }
}
