import { LRUCache } from "lru-cache";
import { checkRepositoryName } from "../oci/reference.ts";
import type { StorageDriver } from "../storage/driver.ts";
import { type CatalogOptions, type CatalogPage, listCatalog } from "./catalog.ts";
import type { ChangeWatcher } from "./change-watcher.ts";
import { createManifestCache } from "./manifest-cache.ts";
import { type RegistryMemory, Repository } from "./repository.ts";
import { MAX_KNOWN_REVISIONS, type RevisionIndex } from "./revision-index.ts";
import { MAX_HASH_STATES, type UploadHash } from "./upload-hash.ts";

/** 64 MiB hold the manifests of several thousand images. */
const DEFAULT_MANIFEST_CACHE_BYTES = 64 * 1024 * 1024;

/** Options of {@link Registry}. */
export interface RegistryOptions {
  /** How much memory manifests may take, roughly; 0 for none. Default: 64 MiB. */
  manifestCacheBytes?: number;
}

/**
 * A registry in a store. All state is in the store, in the layout of the Go registry; other processes may use it at the
 * same time. What is remembered here is immutable content and work that can be done again.
 */
export class Registry {
  readonly driver: StorageDriver;
  readonly #memory: RegistryMemory;

  constructor(driver: StorageDriver, options: RegistryOptions = {}) {
    this.driver = driver;
    this.#memory = {
      manifests: createManifestCache(options.manifestCacheBytes ?? DEFAULT_MANIFEST_CACHE_BYTES),
      uploadHashes: new LRUCache<string, UploadHash>({ max: MAX_HASH_STATES }),
      revisions: new LRUCache<string, RevisionIndex>({
        maxSize: MAX_KNOWN_REVISIONS,
        sizeCalculation: (index) => Math.min(MAX_KNOWN_REVISIONS, index.weight),
      }),
    };
  }

  /**
   * Gives access to a repository, whether it exists or not; does no I/O.
   *
   * @param watcher - is told of what is changed through this access; to see what a tag was before costs a read more
   * @throws {InvalidReferenceError} if `name` is not a repository name
   */
  repository(name: string, watcher?: ChangeWatcher): Repository {
    checkRepositoryName(name);
    return new Repository(this.driver, name, this.#memory, watcher);
  }

  /**
   * Lists the repositories that have a manifest or a tag, in byte order of their names.
   * @returns at most `limit` names behind `last`, and whether there are more
   */
  catalog(options: CatalogOptions): Promise<CatalogPage> {
    return listCatalog(this.driver, options);
  }

  /** Forgets everything that is remembered of the store, as after a collection by another program. */
  dropCaches(): void {
    this.#memory.manifests.clear();
    this.#memory.revisions.clear();
  }
}
