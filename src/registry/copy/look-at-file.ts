import { hash } from "node:crypto";
import { hasSmallReads, type ScannedFile } from "../../storage/abilities.ts";
import type { StorageDriver } from "../../storage/driver.ts";
import { statSmallFile } from "../small-file.ts";
import type { ComparedFile } from "./compared-file.ts";
import type { SyncedFile } from "./synced-file.ts";

/** Files of this size and less are compared by content where their path does not tell it. */
export const MAX_COMPARED_BYTES = 64 * 1024;

/** A file with what a listing may leave out. */
export type KnownFile = ScannedFile & { sizeBytes: number; modifiedMs: number };

/**
 * Completes what a listing has told. Synchronously, where the store is read so: there are millions of them.
 *
 * @returns undefined if the file is gone
 */
export function knownFile(
  driver: StorageDriver,
  file: ScannedFile,
): KnownFile | undefined | Promise<KnownFile | undefined> {
  const { sizeBytes, modifiedMs } = file;
  if (sizeBytes !== undefined && modifiedMs !== undefined) return { ...file, sizeBytes, modifiedMs };
  if (hasSmallReads(driver)) return complete(file, driver.statFileSync(file.path));
  return statSmallFile(driver, file.path).then((stat) => complete(file, stat));
}

function complete(
  file: ScannedFile,
  stat: { sizeBytes: number; modifiedMs: number } | undefined,
): KnownFile | undefined {
  return stat && { ...file, sizeBytes: stat.sizeBytes, modifiedMs: stat.modifiedMs };
}

/**
 * Whether a file is the same on both sides, as far as that can be told at once: a blob and a link whose path says what is
 * in it by their size, all else by content.
 *
 * @returns undefined if both have to be read
 */
export function isSameFile(
  stores: { source: StorageDriver; target: StorageDriver },
  { kind }: SyncedFile,
  source: KnownFile,
  target: KnownFile,
): boolean | undefined {
  if (source.sizeBytes !== target.sizeBytes) return false;
  if ((kind !== "tag" && kind !== "other") || source.sizeBytes > MAX_COMPARED_BYTES) return true;
  const sourceMd5 = source.contentMd5 ?? md5OfFile(stores.source, source);
  if (sourceMd5 === undefined) return undefined;
  const targetMd5 = target.contentMd5 ?? md5OfFile(stores.target, target);
  // An MD5 that differs may be no MD5 of the content at all.
  return targetMd5 === sourceMd5 ? true : undefined;
}

/** @returns undefined where reading a file takes a request, or it cannot be read */
function md5OfFile(driver: StorageDriver, { path }: ComparedFile): string | undefined {
  if (!hasSmallReads(driver)) return undefined;
  try {
    const bytes = driver.getSync(path, MAX_COMPARED_BYTES);
    return bytes && hash("md5", bytes, "hex");
  } catch {
    // Whoever copies it will meet the same and tell of it.
    return undefined;
  }
}
