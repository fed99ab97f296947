import { PathNotFoundError } from "../../errors.ts";
import { classifyPath, REPOSITORIES_ROOT } from "../../registry/paths.ts";
import { statSmallFile } from "../../registry/small-file.ts";
import { canScan, type ScannedFile } from "../../storage/abilities.ts";
import type { StorageDriver } from "../../storage/driver.ts";

/** So many names are told. */
const MAX_NAMES = 1000;

/** What was pushed to a store since some time. */
export interface LatePushes {
  /** `repository:tag`, or `repository@digest`, the first thousand in the order of the store. */
  names: string[];
  total: number;
}

/** @returns the tags of a store that were set since a time of its clock. @throws what a listing fails with */
export function tagsSetSince(
  driver: StorageDriver,
  sinceMs: number,
  signal: AbortSignal,
): Promise<LatePushes> {
  return linksSince(driver, sinceMs, signal, (path) => {
    const entry = classifyPath(path);
    return entry.kind === "tagLink" ? `${entry.repository}:${entry.tag}` : undefined;
  });
}

/**
 * @returns the manifests that were pushed to a store since a time of its clock: every push writes the link of its manifest
 * @throws what a listing fails with
 */
export function manifestsPushedSince(
  driver: StorageDriver,
  sinceMs: number,
  signal: AbortSignal,
): Promise<LatePushes> {
  return linksSince(driver, sinceMs, signal, (path) => {
    const entry = classifyPath(path);
    return entry.kind === "revisionLink" ? `${entry.repository}@${entry.digest}` : undefined;
  });
}

async function linksSince(
  driver: StorageDriver,
  sinceMs: number,
  signal: AbortSignal,
  nameOf: (path: string) => string | undefined,
): Promise<LatePushes> {
  const late: LatePushes = { names: [], total: 0 };
  for await (const batch of filesBelow(driver)) {
    signal.throwIfAborted();
    for (const { path, modifiedMs } of batch) {
      const name = nameOf(path);
      if (name === undefined) continue;
      const changedMs = modifiedMs ?? (await statSmallFile(driver, path))?.modifiedMs ?? 0;
      if (changedMs < sinceMs) continue;
      late.total++;
      if (late.names.length < MAX_NAMES) late.names.push(name);
    }
  }
  return late;
}

/** A store that is not there has nothing; what may have something and cannot be listed is not passed over. */
async function* filesBelow(driver: StorageDriver): AsyncIterable<ScannedFile[]> {
  let failure: { error: unknown } | undefined;
  const isThere = (error: unknown): boolean => !(error instanceof PathNotFoundError);
  if (canScan(driver)) {
    yield* driver.scan(REPOSITORIES_ROOT, ({ error }) => {
      if (isThere(error)) failure ??= { error };
    });
  } else {
    try {
      for await (const file of driver.walk(REPOSITORIES_ROOT)) yield [file];
    } catch (error) {
      if (isThere(error)) failure = { error };
    }
  }
  if (failure !== undefined) throw failure.error;
}
