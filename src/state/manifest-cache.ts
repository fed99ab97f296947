import type { KeptManifest, ManifestRecordSource } from "../registry/graph/manifest-record-source.ts";
import { type AddManifestRecord, readManifestCache } from "./manifest-cache-reader.ts";
import { writeManifestCache } from "./manifest-cache-writer.ts";

/** Name of the cache in a store's state folder. */
export const MANIFEST_CACHE_FILE = "manifests.cache";

/** Options of {@link ManifestCacheFile}. */
export interface ManifestCacheOptions {
  path: string;
  /** The user that this process runs as; a file of anybody else is not used. */
  uid: number;
  /** Is told, in a sentence that names the file, why it or a part of it cannot be used or written. */
  onProblem: (problem: string) => void;
}

/**
 * What manifests refer to, kept in a file between runs. A manifest never changes under its digest, so an entry holds
 * for good; it may be put in only after the bytes were found to have the digest. The file is an aid and no more:
 * whatever is wrong with it costs time, not a run.
 */
export class ManifestCacheFile implements ManifestRecordSource {
  readonly #options: ManifestCacheOptions;

  constructor(options: ManifestCacheOptions) {
    this.#options = options;
  }

  /** Gives every sound entry to `add`. Rejects only with what `add` throws. */
  async load(add: AddManifestRecord): Promise<void> {
    const { path, uid, onProblem } = this.#options;
    const { problem } = await readManifestCache(path, uid, add);
    if (problem !== undefined) onProblem(problem);
  }

  /** Replaces the file by one of exactly these records. Rejects only with what `manifests` throws. */
  async save(manifests: Iterable<KeptManifest>): Promise<void> {
    const { path, onProblem } = this.#options;
    const { problem } = await writeManifestCache(path, manifests);
    if (problem !== undefined) onProblem(problem);
  }
}
