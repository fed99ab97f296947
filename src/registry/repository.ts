import type { LRUCache } from "lru-cache";
import type { StorageDriver } from "../storage/driver.ts";
import { BlobStore } from "./blob-store.ts";
import { hasManifests } from "./catalog.ts";
import type { ChangeWatcher } from "./change-watcher.ts";
import type { ManifestCache } from "./manifest-cache.ts";
import { ManifestStore } from "./manifest-store.ts";
import { ReferrerIndex } from "./referrer-index.ts";
import type { RevisionIndex } from "./revision-index.ts";
import { TagStore } from "./tag-store.ts";
import type { UploadHash } from "./upload-hash.ts";
import { UploadStore } from "./upload-store.ts";

/** What the repositories of a registry remember in common; all of it bounded, none of it needed. */
export interface RegistryMemory {
  readonly manifests: ManifestCache;
  /** By upload. */
  readonly uploadHashes: LRUCache<string, UploadHash>;
  /** By repository name. */
  readonly revisions: LRUCache<string, RevisionIndex>;
}

/** One repository: a name, and what is stored under it. Cheap to make; nothing is read before it is asked for. */
export class Repository {
  readonly name: string;
  readonly blobs: BlobStore;
  readonly manifests: ManifestStore;
  readonly tags: TagStore;
  readonly uploads: UploadStore;
  readonly referrers: ReferrerIndex;
  readonly #driver: StorageDriver;

  /** @param name - a checked repository name */
  constructor(driver: StorageDriver, name: string, memory: RegistryMemory, watcher?: ChangeWatcher) {
    this.#driver = driver;
    this.name = name;
    this.blobs = new BlobStore(driver, name);
    this.tags = new TagStore(driver, name, watcher);
    this.manifests = new ManifestStore(driver, name, {
      blobs: this.blobs,
      tags: this.tags,
      cache: memory.manifests,
      watcher,
    });
    this.uploads = new UploadStore(driver, name, { blobs: this.blobs, hashes: memory.uploadHashes });
    this.referrers = new ReferrerIndex(driver, name, {
      manifests: this.manifests,
      tags: this.tags,
      indexes: memory.revisions,
    });
  }

  /** Tells whether the repository has a manifest or a tag; one that has only blobs or uploads does not exist yet. */
  exists(): Promise<boolean> {
    return hasManifests(this.#driver, this.name);
  }
}
