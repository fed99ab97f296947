import { PathNotFoundError } from "../../errors.ts";
import { BLOBS_ROOT, classifyPath, REPOSITORIES_ROOT, ROOT } from "../../registry/paths.ts";
import { statSmallFile } from "../../registry/small-file.ts";
import { canScan, hasSmallReads, type ScanFailure, type ScannedFile } from "../../storage/abilities.ts";
import type { StorageDriver } from "../../storage/driver.ts";

/** Files and their bytes. */
export interface Amounts {
  files: number;
  bytes: number;
}

/** What a store holds, without unfinished uploads. */
export interface CountedStore extends Amounts {
  /** Of the folders below `docker/registry/v2`: `blobs/`, `repositories/`, and `other` for the rest. */
  folders: { folder: "blobs/" | "repositories/" | "other"; files: number; bytes: number }[];
  blobs: number;
  /** Blobs of more than {@link LARGE_BYTES}. */
  large: Amounts;
  /** Revision links. */
  manifests: number;
  tags: number;
  /** When the youngest tag link was written, by the store's clock; 0 without tags. */
  newestTagMs: number;
  /** Folders that could not be listed; the counts lack what is in them. */
  failures: { path: string; error: unknown }[];
}

/** Larger files go in parts, and by themselves. */
export const LARGE_BYTES = 8 * 1024 * 1024;

/** Other work gets its turn after so many looks at files. */
const GIVE_WAY_EVERY = 2000;

/** Options of {@link countStore}. */
export interface CountOptions {
  signal: AbortSignal;
  onProgress?: ((counted: Amounts) => void) | undefined;
}

/** Counts what a registry has in a store, in one pass over it. A store that is not there holds nothing. */
export async function countStore(driver: StorageDriver, options: CountOptions): Promise<CountedStore> {
  const { signal, onProgress } = options;
  const folders = (["blobs/", "repositories/", "other"] as const).map((folder) => ({
    folder,
    files: 0,
    bytes: 0,
  }));
  const [blobs, repositories, other] = folders;
  const counted: CountedStore = {
    ...{ files: 0, bytes: 0, folders, blobs: 0, large: { files: 0, bytes: 0 } },
    ...{ manifests: 0, tags: 0, newestTagMs: 0, failures: [] },
  };
  let sinceGivingWay = 0;
  for await (const batch of filesBelow(driver, (failure) => void counted.failures.push(failure))) {
    for (const file of batch) {
      if (file.path.includes("/_uploads/")) continue;
      const entry = classifyPath(file.path);
      const isTag = entry.kind === "tagLink";
      const { sizeBytes, modifiedMs } = await factsOf(driver, file, isTag);
      const folder = file.path.startsWith(`${BLOBS_ROOT}/`)
        ? blobs
        : file.path.startsWith(`${REPOSITORIES_ROOT}/`)
          ? repositories
          : other;
      for (const amounts of [counted, folder]) {
        if (amounts === undefined) continue;
        amounts.files++;
        amounts.bytes += sizeBytes;
      }
      if (entry.kind === "blob") {
        counted.blobs++;
        if (sizeBytes > LARGE_BYTES) {
          counted.large.files++;
          counted.large.bytes += sizeBytes;
        }
      } else if (entry.kind === "revisionLink") counted.manifests++;
      else if (isTag) {
        counted.tags++;
        counted.newestTagMs = Math.max(counted.newestTagMs, modifiedMs);
      }
      if (++sinceGivingWay >= GIVE_WAY_EVERY) {
        sinceGivingWay = 0;
        signal.throwIfAborted();
        onProgress?.(counted);
        await new Promise((resolve) => setImmediate(resolve));
      }
    }
  }
  signal.throwIfAborted();
  return counted;
}

async function* filesBelow(
  driver: StorageDriver,
  onFailure: (failure: ScanFailure) => void,
): AsyncIterable<ScannedFile[]> {
  if (canScan(driver)) {
    yield* driver.scan(ROOT, (failure) => {
      // Clients work on the store meanwhile, and end uploads.
      if (!(failure.error instanceof PathNotFoundError)) onFailure(failure);
    });
    return;
  }
  try {
    for await (const file of driver.walk(ROOT)) yield [file];
  } catch (error) {
    if (!(error instanceof PathNotFoundError)) throw error;
  }
}

/** Where the listing has not brought them, they are asked for; a file that is gone by then counts as empty. */
async function factsOf(
  driver: StorageDriver,
  { path, sizeBytes, modifiedMs }: ScannedFile,
  needsTime: boolean,
): Promise<{ sizeBytes: number; modifiedMs: number }> {
  if (sizeBytes !== undefined && (!needsTime || modifiedMs !== undefined)) {
    return { sizeBytes, modifiedMs: modifiedMs ?? 0 };
  }
  const nothing = { sizeBytes: 0, modifiedMs: 0 };
  return (hasSmallReads(driver) ? driver.statFileSync(path) : await statSmallFile(driver, path)) ?? nothing;
}
