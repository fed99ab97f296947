import { CancelledError } from "../../errors.ts";
import type { StorageDriver } from "../../storage/driver.ts";
import { StoreThreads } from "./store-threads.ts";

/** For threads that parse manifests. */
const READER_NURSERY_MB = 8;

/**
 * Gives `work` threads that read, and ends them afterwards.
 *
 * @param count - at most so many; 0: none
 * @throws {CancelledError} when `signal` is aborted, whatever `work` rejects with then
 */
export async function withStoreThreads<T>(
  driver: StorageDriver,
  count: number,
  signal: AbortSignal | undefined,
  work: (threads: StoreThreads | undefined) => Promise<T>,
): Promise<T> {
  const threads = StoreThreads.for(driver, count, READER_NURSERY_MB);
  threads?.warmUp();
  // What is under way in them may take long, and is of no use any more.
  const onAbort = (): void => void threads?.close();
  signal?.addEventListener("abort", onAbort);
  try {
    return await work(threads);
  } catch (error) {
    throw signal?.aborted ? new CancelledError() : error;
  } finally {
    signal?.removeEventListener("abort", onAbort);
    await threads?.close();
  }
}
