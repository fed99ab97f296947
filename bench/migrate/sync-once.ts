import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { StorageSettings } from "../../src/config/settings.ts";
import { compareStores } from "../../src/operations/verify/against/compare-stores.ts";
import type { SyncPosition } from "../../src/registry/copy/sync-options.ts";
import type { SyncResult } from "../../src/registry/copy/sync-result.ts";
import { syncStores } from "../../src/registry/copy/sync-stores.ts";
import { openDriver } from "../../src/storage/open-driver.ts";

/** What one process of the bench copies. */
export interface SyncOrder {
  source: StorageSettings;
  target: StorageSettings;
  /** Where lists and the position are kept. */
  folder: string;
  dryRun: boolean;
  /** Goes on where an earlier process has come to. */
  resume: boolean;
  /** The two stores are compared by names and sizes afterwards. */
  verify: boolean;
  /** Stops by itself after so many seconds. */
  stopAfterSeconds?: number | undefined;
}

/** What came of a {@link SyncOrder}. */
export interface SyncReport {
  /** Undefined if it was stopped. */
  result: SyncResult | undefined;
  copiedFiles: number;
  differences: number | undefined;
  /** From the start of the process to the first file that was copied; undefined if none was. */
  firstCopySeconds: number | undefined;
  seconds: number;
  cpuSeconds: number;
  peakBytes: number;
}

/**
 * Copies a store, in a process of its own so that its memory and processor time can be told.
 *
 * @param text - a {@link SyncOrder} as JSON
 */
export async function syncOnce(text: string): Promise<void> {
  const order = JSON.parse(text) as SyncOrder;
  const source = await openDriver(order.source, { readOnly: true });
  const target = await openDriver(order.target, { readOnly: order.dryRun });
  const stop = new AbortController();
  if (order.stopAfterSeconds !== undefined)
    setTimeout(() => stop.abort(), order.stopAfterSeconds * 1000).unref();
  const positionFile = join(order.folder, "position.json");
  const spoolFolder = join(order.folder, "spool");
  if (!order.resume) await rm(spoolFolder, { recursive: true, force: true });
  await mkdir(spoolFolder, { recursive: true });
  let position: SyncPosition | undefined;
  let copiedFiles = 0;
  let firstCopySeconds: number | undefined;
  const resumeAt = order.resume
    ? (JSON.parse(await readFile(positionFile, "utf8")) as SyncPosition)
    : undefined;
  let result: SyncResult | undefined;
  let differences: number | undefined;
  try {
    result = await syncStores(source, target, {
      ...{ asOfMs: undefined, deleteExtra: true, skipDamaged: false, concurrency: undefined },
      ...{ maxBytesPerSecond: undefined, dryRun: order.dryRun, signal: stop.signal, spoolFolder, resumeAt },
      onProgress: ({ copied }) => {
        copiedFiles = copied.files;
        if (copied.files > 0) firstCopySeconds ??= process.uptime();
      },
      onPosition: (told) => {
        position = told;
      },
    });
    if (order.verify) {
      const deps = { signal: stop.signal, onProgress: () => undefined, nowMs: Date.now };
      const report = await compareStores(source, target, deps, { concurrency: 32, checkGraph: false });
      differences = report.differenceCount;
    }
  } catch (error) {
    if (!stop.signal.aborted) throw error;
  }
  if (position) await writeFile(positionFile, JSON.stringify(position));
  const { user, system } = process.cpuUsage();
  const report: SyncReport = {
    ...{ result, copiedFiles, differences, firstCopySeconds },
    seconds: process.uptime(),
    cpuSeconds: (user + system) / 1e6,
    peakBytes: process.resourceUsage().maxRSS * 1024,
  };
  console.log(JSON.stringify(report));
}
