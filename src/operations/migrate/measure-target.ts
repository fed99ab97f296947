import { forEachConcurrently } from "../../lib/for-each-concurrently.ts";
import type { StorageDriver } from "../../storage/driver.ts";
import { openProbes } from "./probe-objects.ts";

/** How fast a store takes files, measured by a few. */
export interface TargetSpeed {
  /** Small files in a second, many at a time. */
  smallPerSecond: number;
  /** Of large files, several at a time. */
  bytesPerSecond: number;
  /** What was written for it, and removed. */
  sample: { files: number; bytes: number };
}

const SMALL_FILES = 96;
const SMALL_BYTES = 71;
const SMALL_AT_ONCE = 32;
const LARGE_FILES = 3;
const LARGE_BYTES = 8 * 1024 * 1024;
/** A sample ends with the next file after so long. */
const ENOUGH_MS = 5000;

/**
 * Writes some small files and some large ones to a store, and removes them.
 *
 * @param nowMs - a clock that nobody sets
 */
export async function measureTarget(
  driver: StorageDriver,
  { signal, nowMs }: { signal: AbortSignal; nowMs: () => number },
): Promise<TargetSpeed> {
  const { paths, remove } = await openProbes(driver, SMALL_FILES + LARGE_FILES);
  const sample = { files: 0, bytes: 0 };
  const write = async (some: readonly string[], atOnce: number, sizeBytes: number): Promise<number> => {
    const content = Buffer.alloc(sizeBytes, 0x61);
    const startMs = nowMs();
    let written = 0;
    await forEachConcurrently(some, atOnce, async (path) => {
      signal.throwIfAborted();
      if (written > 0 && nowMs() - startMs > ENOUGH_MS) return;
      await driver.put(path, content);
      written++;
    });
    sample.files += written;
    sample.bytes += written * sizeBytes;
    return written / Math.max(0.001, (nowMs() - startMs) / 1000);
  };
  try {
    const smallPerSecond = await write(paths.slice(0, SMALL_FILES), SMALL_AT_ONCE, SMALL_BYTES);
    const largePerSecond = await write(paths.slice(SMALL_FILES), LARGE_FILES, LARGE_BYTES);
    return { smallPerSecond, bytesPerSecond: largePerSecond * LARGE_BYTES, sample };
  } finally {
    await remove();
  }
}
