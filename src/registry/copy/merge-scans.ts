import type { ScanFailure } from "../../storage/abilities.ts";
import type { StorageDriver } from "../../storage/driver.ts";
import { compareKeys } from "../../storage/key-order.ts";
import { scanFiles } from "../scan/scan-files.ts";
import type { ComparedFile } from "./compared-file.ts";
import { ScanCursor } from "./scan-cursor.ts";

/** Which of the two stores. */
export type ComparedSide = "source" | "target";

/** Options of {@link mergeScans}. */
export interface MergeOptions {
  /** Only files behind this path. */
  after?: string | undefined;
  /** Told of each folder that could not be listed; what is in it is given as if that side did not have it. */
  onFailure: (side: ComparedSide, failure: ScanFailure) => void;
  signal?: AbortSignal | undefined;
}

const BATCH_FILES = 1000;

/**
 * Compares what two stores hold below a folder: all paths that at least one of them has, in key order, in batches of any
 * size. Both are listed side by side, and no more of them is in memory than their scans read ahead. A store without the
 * folder has nothing in it. Ending the iteration early ends both scans.
 *
 * Sizes and times are there where the listings bring them, MD5s too.
 *
 * @throws {CancelledError}
 * @throws {StorageUnavailableError} if a store does not list in the order of its keys
 */
export async function* mergeScans(
  source: StorageDriver,
  target: StorageDriver,
  folder: string,
  options: MergeOptions,
): AsyncGenerator<ComparedFile[]> {
  const open = (driver: StorageDriver, side: ComparedSide): ScanCursor => {
    const onFailure = (failure: ScanFailure): void => options.onFailure(side, failure);
    const asides = { after: options.after, wantsMd5: true };
    const scan = scanFiles(driver, folder, { onFailure, signal: options.signal, ...asides });
    return new ScanCursor(scan, options.after);
  };
  const cursors = [open(source, "source"), open(target, "target")] as const;
  try {
    yield* merge(...cursors);
  } finally {
    await Promise.all(cursors.map((cursor) => cursor.close()));
  }
}

async function* merge(sources: ScanCursor, targets: ScanCursor): AsyncGenerator<ComparedFile[]> {
  let batch: ComparedFile[] = [];
  for (;;) {
    if (sources.isEmpty) await sources.fill();
    if (targets.isEmpty) await targets.fill();
    const { current: source } = sources;
    const { current: target } = targets;
    if (source === undefined && target === undefined) break;
    const order = source && target ? compare(source.path, target.path) : source ? -1 : 1;
    if (order <= 0) sources.advance();
    if (order >= 0) targets.advance();
    batch.push({
      path: (order <= 0 ? source?.path : target?.path) ?? "",
      source: order <= 0 ? source : undefined,
      target: order >= 0 ? target : undefined,
    });
    if (batch.length < BATCH_FILES && !(sources.isEmpty || targets.isEmpty)) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

/** Most paths are the same on both sides, which the engine tells much faster. */
function compare(left: string, right: string): number {
  return left === right ? 0 : compareKeys(left, right);
}
