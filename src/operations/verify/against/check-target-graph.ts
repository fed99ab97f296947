import { repositoryPath } from "../../../registry/paths.ts";
import type { StorageDriver } from "../../../storage/driver.ts";
import { verifyRegistry } from "../verify-registry.ts";
import type { VerifyReport } from "../verify-report.ts";

/** Options of {@link checkTargetGraph}. */
export interface TargetGraphOptions {
  /** Only these repositories; empty: all. */
  only: readonly string[];
  concurrency: number;
  nowMs: () => number;
  signal: AbortSignal;
  onProgress: () => void;
}

/**
 * Proves that every tag, platform and referrer of a target is complete.
 *
 * @param stores.driver - what is read for that: the target, or a store that was seen to hold the same
 * @returns undefined if the target has none of the repositories: that is told as what it lacks
 */
export async function checkTargetGraph(
  { target, driver }: { target: StorageDriver; driver: StorageDriver },
  { only, concurrency, nowMs, signal, onProgress }: TargetGraphOptions,
): Promise<VerifyReport | undefined> {
  const repositories: string[] = [];
  for (const name of only) {
    const info = await target.stat(repositoryPath(name)).catch(() => undefined);
    if (info) repositories.push(name);
  }
  if (only.length > 0 && repositories.length === 0) return undefined;
  return verifyRegistry(
    { driver, nowMs, signal, onProgress },
    { checksumPercent: undefined, repositories, concurrency, usesMetadataDatabase: false },
  );
}
