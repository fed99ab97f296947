import { CancelledError } from "../../errors.ts";
import { forEachConcurrently } from "../../lib/for-each-concurrently.ts";
import { mapInOrder } from "../../lib/map-in-order.ts";
import { messageOf } from "../../lib/message-of.ts";
import { hasSynchronousFolders, type SynchronousFolders } from "../../storage/abilities.ts";
import type { StorageDriver } from "../../storage/driver.ts";
import { BLOBS_ROOT, blobDataPath, parentOf } from "../paths.ts";
import { type BlobScanOptions, type ScannedBlob, scanBlobs, scanBlobsBelow } from "../scan/scan-blobs.ts";
import { statSmallFile } from "../small-file.ts";
import { SHA256_BYTES } from "../threads/digest-list.ts";
import type { StoreThreads } from "../threads/store-threads.ts";

/** So many folders of blobs are listed by one task. */
const FOLDERS_PER_TASK = 16;
/** So many groups of folders are listed ahead of the one that is asked for. */
const GROUPS_AHEAD = 3;
/** The time of a blob that cannot be looked at, or that has gone since it was listed. */
const YOUNG = Number.POSITIVE_INFINITY;
const PREFIX = /^[0-9a-f]{2}$/;

/** Options of {@link loadBlobs}. */
export interface BlobLoadOptions extends BlobScanOptions {
  /** Where tasks run; undefined if they cannot run on this driver. */
  threads: StoreThreads | undefined;
  /** How many files are looked at a time where there are no threads. */
  concurrency: number;
  /** Tells whether size and time of a blob are needed; where the listing has brought them, it is not asked. */
  needsStat: (blob: ScannedBlob) => boolean;
  /** Called for a blob of which size and time are needed and cannot be told. */
  onProblem: (path: string, message: string) => void;
  /** Called with the folder of a blob in which there is none, if `needsStat`. */
  onMissing: (path: string) => void;
}

/**
 * All blobs of the store in key order, in batches, with size and time where they are needed. Where a folder is taken
 * for a blob by its name (see `loadRepositories`), one that is not needed is looked into.
 *
 * @throws {CancelledError} when `signal` is aborted
 */
export async function* loadBlobs(
  driver: StorageDriver,
  options: BlobLoadOptions,
): AsyncGenerator<ScannedBlob[]> {
  const { threads } = options;
  const loader = new BlobLoader(driver, options);
  const usual = threads && hasSynchronousFolders(driver) ? usualFolders(driver) : undefined;
  if (threads === undefined || usual === undefined) {
    for await (const batch of scanBlobs(driver, options)) yield await loader.complete(batch);
    return;
  }
  const groups: string[][] = [];
  while (usual.prefixes.length > 0) groups.push(usual.prefixes.splice(0, FOLDERS_PER_TASK));
  for await (const batches of mapInOrder(groups, GROUPS_AHEAD, (group) => loader.load(threads, group))) {
    if (options.signal?.aborted) throw new CancelledError();
    yield* batches;
  }
  for (const folder of usual.behind) yield* await loader.loadWithCare(folder);
}

/** What there is below {@link BLOBS_ROOT}. */
interface BlobFolders {
  /** The two-digit folders of sha256. */
  prefixes: string[];
  /** Paths of folders behind these in key order. */
  behind: string[];
}

/** @returns undefined if anything unusual is there, or it cannot be listed */
function usualFolders(driver: SynchronousFolders): BlobFolders | undefined {
  try {
    const [first, ...behind] = driver.listNamesSync(BLOBS_ROOT)?.sort() ?? [];
    if (first !== "sha256" || behind.some((name) => name !== "sha512")) return undefined;
    const prefixes = driver.listNamesSync(`${BLOBS_ROOT}/sha256`);
    if (prefixes?.every((name) => PREFIX.test(name)) !== true) return undefined;
    return { prefixes: prefixes.sort(), behind: behind.map((name) => `${BLOBS_ROOT}/${name}`) };
  } catch {
    return undefined;
  }
}

class BlobLoader {
  readonly #driver: StorageDriver;
  readonly #options: BlobLoadOptions;

  constructor(driver: StorageDriver, options: BlobLoadOptions) {
    this.#driver = driver;
    this.#options = options;
  }

  /** Lists two-digit folders. */
  async load(threads: StoreThreads, prefixes: readonly string[]): Promise<ScannedBlob[][]> {
    if (this.#options.signal?.aborted) return [];
    const listings = await threads.run("listBlobs", prefixes);
    const usual = listings.map((digests) => digests && this.#blobsFrom(digests));
    const unknown = usual.flatMap((blobs) => blobs?.filter((blob) => this.#options.needsStat(blob)) ?? []);
    const missing = await this.#stat(threads, unknown);
    const batches: ScannedBlob[][] = [];
    for (const [index, prefix] of prefixes.entries()) {
      const blobs = usual[index];
      if (blobs) batches.push(missing.size > 0 ? blobs.filter((blob) => !missing.has(blob)) : blobs);
      else batches.push(...(await this.loadWithCare(`${BLOBS_ROOT}/sha256/${prefix}`)));
    }
    return batches;
  }

  #blobsFrom(digests: Uint8Array): ScannedBlob[] {
    const blobs: ScannedBlob[] = [];
    for (let at = 0; at < digests.length; at += SHA256_BYTES) {
      const id = this.#options.table.internBytes(0, digests, at);
      blobs.push({ id, sizeBytes: undefined, modifiedMs: undefined });
    }
    return blobs;
  }

  /** Lists a folder file by file. */
  async loadWithCare(folder: string): Promise<ScannedBlob[][]> {
    const batches: ScannedBlob[][] = [];
    for await (const batch of scanBlobsBelow(this.#driver, folder, this.#options)) {
      batches.push(await this.complete(batch));
    }
    return batches;
  }

  /** @returns those that are not there */
  async #stat(threads: StoreThreads, blobs: readonly ScannedBlob[]): Promise<ReadonlySet<ScannedBlob>> {
    const { table, onMissing, onProblem } = this.#options;
    const digests = new Uint8Array(blobs.length * SHA256_BYTES);
    for (const [index, { id }] of blobs.entries()) table.writeDigest(id, digests, index * SHA256_BYTES);
    const { sizes, times, problems } = await threads.run("statBlobs", digests);
    const problemAt = new Map(problems.map(({ index, message }) => [index, message]));
    const missing = new Set<ScannedBlob>();
    for (const [index, blob] of blobs.entries()) {
      const problem = problemAt.get(index);
      const sizeBytes = sizes[index] ?? Number.NaN;
      if (problem !== undefined) {
        blob.modifiedMs = YOUNG;
        onProblem(blobDataPath(table.digestOf(blob.id)), problem);
      } else if (Number.isNaN(sizeBytes)) {
        const path = blobDataPath(table.digestOf(blob.id));
        onMissing(parentOf(path));
        missing.add(blob);
      } else {
        blob.sizeBytes = sizeBytes;
        blob.modifiedMs = times[index];
      }
    }
    return missing;
  }

  /** Asks for what the listing has not brought. */
  async complete(blobs: ScannedBlob[]): Promise<ScannedBlob[]> {
    const isIncomplete = ({ sizeBytes, modifiedMs }: ScannedBlob): boolean =>
      sizeBytes === undefined || modifiedMs === undefined;
    const unknown = blobs.filter((blob) => isIncomplete(blob) && this.#options.needsStat(blob));
    await forEachConcurrently(unknown, this.#options.concurrency, async (blob) => {
      const path = blobDataPath(this.#options.table.digestOf(blob.id));
      try {
        const info = await statSmallFile(this.#driver, path);
        blob.sizeBytes = info?.sizeBytes;
        blob.modifiedMs = info?.modifiedMs ?? YOUNG;
      } catch (error) {
        blob.modifiedMs = YOUNG;
        this.#options.onProblem(path, messageOf(error));
      }
    });
    return blobs;
  }
}
