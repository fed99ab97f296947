import type { StorageDriver } from "../../storage/driver.ts";
import type { DigestId, DigestTable } from "../graph/digest-table.ts";
import { BLOBS_ROOT, classifyPath } from "../paths.ts";
import { type ScanOptions, scanFiles } from "./scan-files.ts";

/** Options of {@link scanBlobs}. */
export interface BlobScanOptions extends ScanOptions {
  table: DigestTable;
  /** Called for each file that is no blob. */
  onStray: (path: string) => void;
}

/** One blob of the store; size and time only where the listing brings them. */
export interface ScannedBlob {
  id: DigestId;
  sizeBytes: number | undefined;
  modifiedMs: number | undefined;
}

/** All blobs of the store, in key order, in batches. */
export function scanBlobs(driver: StorageDriver, options: BlobScanOptions): AsyncGenerator<ScannedBlob[]> {
  return scanBlobsBelow(driver, BLOBS_ROOT, options);
}

/** The blobs below one folder of {@link BLOBS_ROOT}. */
export async function* scanBlobsBelow(
  driver: StorageDriver,
  folder: string,
  options: BlobScanOptions,
): AsyncGenerator<ScannedBlob[]> {
  for await (const batch of scanFiles(driver, folder, options)) {
    const blobs: ScannedBlob[] = [];
    for (const file of batch) {
      if (file.path.endsWith("/")) continue; // an object store's mark for a folder
      const entry = classifyPath(file.path);
      if (entry.kind === "blob") {
        const id = options.table.intern(entry.digest);
        blobs.push({ id, sizeBytes: file.sizeBytes, modifiedMs: file.modifiedMs });
      } else options.onStray(file.path);
    }
    if (blobs.length > 0) yield blobs;
  }
}
