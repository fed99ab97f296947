import type { StorageDriver } from "../../storage/driver.ts";
import { SHA256_BYTES } from "../threads/digest-list.ts";
import type { ManifestRecords } from "../threads/read-manifests.ts";
import type { StoreThreads } from "../threads/store-threads.ts";
import type { DigestId, DigestTable } from "./digest-table.ts";
import type { ManifestReferences } from "./manifest-references.ts";

/** So many manifests are one task of a thread. */
const MANIFESTS_PER_TASK = 256;

/** Options of {@link ManifestLoader}. */
export interface ManifestLoaderOptions {
  driver: StorageDriver;
  threads: StoreThreads;
  table: DigestTable;
  references: ManifestReferences;
}

/** Loads manifests in threads, for several repositories at a time and each only once. */
export class ManifestLoader {
  readonly #options: ManifestLoaderOptions;
  readonly #loading = new Map<DigestId, Promise<void>>();

  constructor(options: ManifestLoaderOptions) {
    this.#options = options;
  }

  /** Loads manifests and, level by level, the manifests that they list. */
  async load(ids: Iterable<DigestId>): Promise<void> {
    const { references } = this.#options;
    const seen = new Set<DigestId>(ids);
    for (let level: DigestId[] = [...seen]; level.length > 0; ) {
      await this.#loadLevel(level);
      const next: DigestId[] = [];
      for (const id of level) {
        for (const child of references.childManifests(id)) {
          if (seen.has(child)) continue;
          seen.add(child);
          next.push(child);
        }
      }
      level = next;
    }
  }

  async #loadLevel(ids: readonly DigestId[]): Promise<void> {
    const { driver, references, table } = this.#options;
    const waiting = new Set<Promise<void>>();
    let task: DigestId[] = [];
    for (const id of ids) {
      if (references.recall(id)) continue;
      const loading = this.#loading.get(id);
      if (loading !== undefined) waiting.add(loading);
      else if (table.algorithmOf(id) === "sha512") waiting.add(references.load(driver, id));
      else task.push(id);
      if (task.length < MANIFESTS_PER_TASK) continue;
      waiting.add(this.#start(task));
      task = [];
    }
    if (task.length > 0) waiting.add(this.#start(task));
    await Promise.all(waiting);
  }

  #start(ids: readonly DigestId[]): Promise<void> {
    const { table, threads } = this.#options;
    const digests = new Uint8Array(ids.length * SHA256_BYTES);
    for (const [index, id] of ids.entries()) table.writeDigest(id, digests, index * SHA256_BYTES);
    const loading = threads
      .run("readManifests", digests)
      .then((result) => this.#add(ids, result))
      .finally(() => {
        for (const id of ids) this.#loading.delete(id);
      });
    for (const id of ids) this.#loading.set(id, loading);
    return loading;
  }

  #add(ids: readonly DigestId[], { lengths, records, problems }: ManifestRecords): void {
    const { references } = this.#options;
    let offset = 0;
    let problem = 0;
    for (const [index, id] of ids.entries()) {
      const length = lengths[index] ?? 0;
      if (length === 0) references.addAbsent(id);
      else if (length < 0) references.addUnreadable(id, problems[problem++] ?? "");
      else {
        references.addRecord(id, records, offset, length);
        offset += length;
      }
    }
  }
}
