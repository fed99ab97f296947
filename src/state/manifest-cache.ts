import {
  type AddManifestRecord,
  type LoadedManifestCache,
  readManifestCache,
} from "./manifest-cache-reader.ts";
import {
  type CachedManifestRecord,
  type SavedManifestCache,
  writeManifestCache,
} from "./manifest-cache-writer.ts";

/** Name of the cache in a store's state folder. */
export const MANIFEST_CACHE_FILE = "manifests.cache";

/**
 * What manifests refer to, kept in a file between runs. A manifest never changes under its digest, so an entry holds
 * for good; it may be put in only after the bytes were found to have the digest. The file is an aid and no more: whatever
 * is wrong with it costs time, not a run.
 */
export class ManifestCacheFile {
  readonly #path: string;
  readonly #uid: number;

  /** @param options.uid - the user that this process runs as; a file of anybody else is not used */
  constructor(options: { path: string; uid: number }) {
    this.#path = options.path;
    this.#uid = options.uid;
  }

  /** Gives every sound entry to `add`. Never rejects because of the file; `problem` names it. */
  async load(add: AddManifestRecord): Promise<LoadedManifestCache> {
    return this.#named(await readManifestCache(this.#path, this.#uid, add));
  }

  /** Replaces the file by one of exactly these records. Never rejects because of the file; `problem` names it. */
  async save(records: Iterable<CachedManifestRecord>): Promise<SavedManifestCache> {
    return this.#named(await writeManifestCache(this.#path, records));
  }

  #named<Result extends { problem?: string }>(result: Result): Result {
    return result.problem === undefined ? result : { ...result, problem: `${this.#path} ${result.problem}` };
  }
}
