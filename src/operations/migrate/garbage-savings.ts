import { memoryRecordSource } from "../../registry/graph/memory-record-source.ts";
import { planCollection } from "../../registry/plan/plan-collection.ts";
import type { StorageDriver } from "../../storage/driver.ts";

/** What a collection would remove before a move. */
export interface GarbageSaving {
  /** Also manifests that no tag leads to (`garbage-collect -m`). */
  deleteUntagged: boolean;
  manifests: number;
  blobs: number;
  bytes: number;
}

/** Options of {@link garbageSavings}. */
export interface SavingsOptions {
  nowMs: number;
  concurrency: number;
  threads?: number | undefined;
  signal: AbortSignal;
  onProgress?: ((text: string) => void) | undefined;
}

const HOUR_MS = 3_600_000;

/** Tells what a collection would remove first, without and with `-m`. Changes nothing. */
export async function garbageSavings(
  driver: StorageDriver,
  options: SavingsOptions,
): Promise<GarbageSaving[]> {
  const { nowMs, concurrency, threads, signal, onProgress } = options;
  const manifestCache = memoryRecordSource();
  const savings: GarbageSaving[] = [];
  for (const deleteUntagged of [false, true]) {
    const { eligible } = await planCollection(driver, {
      rules: {
        deleteUntagged,
        keepWrittenAfterMs: nowMs - HOUR_MS,
        keepUntaggedAfterMs: Number.POSITIVE_INFINITY,
      },
      ...{ concurrency, threads, manifestCache, signal, isLive: true },
      onProgress: ({ repositories, blobs }) => onProgress?.(`${repositories} repositories, ${blobs} blobs`),
    });
    const { manifests, blobs, bytes } = eligible;
    savings.push({ deleteUntagged, manifests, blobs, bytes });
  }
  return savings;
}
