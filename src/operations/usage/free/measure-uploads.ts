import { messageOf } from "../../../lib/message-of.ts";
import { isRemote, usualConcurrency } from "../../../registry/remote-store.ts";
import { purgeUploads } from "../../../registry/uploads/purge-uploads.ts";
import type { StorageDriver } from "../../../storage/driver.ts";
import { readStoreTime } from "../../gc/check-state.ts";

/** What purging uploads would free. */
export interface StaleUploads {
  bytes: number;
  /** What could not be listed or read, one line each. */
  problems: readonly string[];
}

/**
 * Adds up the uploads that `uploads purge` would delete. Changes nothing.
 *
 * @throws {CancelledError} when `signal` is aborted
 */
export async function measureStaleUploads(
  driver: StorageDriver,
  { olderThanMs, signal }: { olderThanMs: number; signal?: AbortSignal | undefined },
): Promise<StaleUploads> {
  const problems: string[] = [];
  let bytes = 0;
  // On a disk the store's time takes a file to be written.
  const { nowMs } = isRemote(driver) ? await readStoreTime(driver, Date.now()) : { nowMs: Date.now() };
  await purgeUploads(driver, {
    dryRun: true,
    nowMs,
    olderThanMs,
    concurrency: usualConcurrency(driver),
    onPurged: ({ sizeBytes }) => {
      bytes += sizeBytes;
    },
    onFailure: ({ path, error }) => void problems.push(`${path}: ${messageOf(error)}`),
    signal,
  });
  return { bytes, problems };
}
