import { CancelledError, PathNotFoundError } from "../../errors.ts";
import {
  canScan,
  hasEmptyFolders,
  type ScanAsides,
  type ScanFailure,
  type ScannedFile,
} from "../../storage/abilities.ts";
import type { FileInfo, StorageDriver } from "../../storage/driver.ts";

/** How a scan tells of trouble and is stopped. */
export interface ScanOptions extends ScanAsides {
  /** Called for each folder that cannot be listed; the rest of the scan goes on. */
  onFailure: (failure: ScanFailure) => void;
  signal?: AbortSignal | undefined;
}

/**
 * All files below a folder in key order, by the fastest way that the driver has. Only the folder itself may be
 * missing (then there are no files); one that disappears meanwhile, like any that cannot be listed, is a failure.
 *
 * @throws {CancelledError} when `signal` is aborted
 */
export async function* scanFiles(
  driver: StorageDriver,
  path: string,
  options: ScanOptions,
): AsyncGenerator<ScannedFile[]> {
  const batches = canScan(driver)
    ? driver.scan(path, options.onFailure, options)
    : listRecursively(driver, path, options);
  for await (const batch of batches) {
    if (options.signal?.aborted) throw new CancelledError();
    yield batch;
  }
}

async function* listRecursively(
  driver: StorageDriver,
  path: string,
  options: ScanOptions,
  isRoot = true,
): AsyncGenerator<ScannedFile[]> {
  if (options.signal?.aborted) throw new CancelledError();
  let children: FileInfo[];
  try {
    children = await driver.list(path);
  } catch (error) {
    if (!isRoot || !(error instanceof PathNotFoundError)) options.onFailure({ path, error });
    return;
  }
  if (children.length === 0 && !isRoot && hasEmptyFolders(driver)) options.onEmptyFolder?.(path);
  let files: FileInfo[] = [];
  for (const child of children) {
    if (!child.isFolder) {
      files.push(child);
      continue;
    }
    if (files.length > 0) yield files;
    files = [];
    yield* listRecursively(driver, child.path, options, false);
  }
  if (files.length > 0) yield files;
}
