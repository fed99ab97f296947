import { CancelledError } from "../../errors.ts";
import { mapInOrder } from "../../lib/map-in-order.ts";
import { messageOf } from "../../lib/message-of.ts";
import { uploadPath } from "../../registry/paths.ts";
import { usualConcurrency } from "../../registry/remote-store.ts";
import { type FoundUpload, findUploads } from "../../registry/uploads/find-uploads.ts";
import { lookAtUpload, readStartTime } from "../../registry/uploads/look-at-upload.ts";
import type { FailedRemoval } from "../../registry/uploads/remove-upload.ts";
import type { StorageDriver } from "../../storage/driver.ts";
import { hasUnfinishedWrites } from "../../storage/object-store-abilities.ts";
import { type ReportedUpload, reportedUpload } from "./purge-report.ts";

/** All uploads that are not finished; what `uploads list --json` prints. */
export interface UploadsReport {
  schemaVersion: 1;
  command: "uploads list";
  /** By repository and id; parts of blobs that belong to no upload last. */
  uploads: ReportedUpload[];
  /** Of all uploads. */
  bytes: number;
  /** What lies among uploads and is none: how much, and the first few paths. */
  strays: { count: number; first: string[] };
  /** What could not be listed or read. */
  failed: FailedRemoval[];
}

/** Options of {@link listUploads}. */
export interface ListUploadsOptions {
  /** Only what was last written before, in milliseconds since 1970; undefined: everything. */
  writtenBeforeMs: number | undefined;
  onProgress?: ((done: number) => void) | undefined;
  signal?: AbortSignal | undefined;
}

/**
 * Lists what has been begun in a store and not finished, also what is being written at this moment. Changes nothing.
 *
 * @throws {StorageUnavailableError} if nothing can be listed at all
 * @throws {CancelledError} when `signal` is aborted
 */
export async function listUploads(
  driver: StorageDriver,
  options: ListUploadsOptions,
): Promise<UploadsReport> {
  const { signal, onProgress, writtenBeforeMs = Number.POSITIVE_INFINITY } = options;
  const { uploads, parts, strays, failures } = await findUploads(driver, { signal });
  const failed = failures.map(({ path, error }) => ({ path, error: messageOf(error) }));
  const listed: ReportedUpload[] = [];
  const look = async <T>(item: T, path: string, work: (item: T) => Promise<ReportedUpload | undefined>) => {
    if (signal?.aborted) throw new CancelledError();
    try {
      return await work(item);
    } catch (error) {
      failed.push({ path, error: messageOf(error) });
      return undefined;
    }
  };
  const add = (upload: ReportedUpload | undefined): void => {
    if (upload && Date.parse(upload.lastWrittenAt) < writtenBeforeMs) listed.push(upload);
    onProgress?.(listed.length);
  };
  const ahead = usualConcurrency(driver);
  const ofUpload = (upload: FoundUpload) =>
    look(upload, uploadPath(upload.repository, upload.uuid), (each) => describeUpload(driver, each));
  for await (const upload of mapInOrder(uploads, ahead, ofUpload)) add(upload);
  const ofParts = (path: string) => look(path, path, (each) => describeParts(driver, each));
  for await (const each of mapInOrder(parts, ahead, ofParts)) add(each);
  const bytes = listed.reduce((sum, upload) => sum + upload.bytes, 0);
  return { schemaVersion: 1, command: "uploads list", uploads: listed, bytes, strays, failed };
}

/** @returns undefined if it has gone meanwhile */
async function describeUpload(
  driver: StorageDriver,
  { repository, uuid }: FoundUpload,
): Promise<ReportedUpload | undefined> {
  const name = { repository, uuid };
  const { writtenMs, sizeBytes } = await lookAtUpload(driver, name);
  if (writtenMs === undefined) return undefined;
  const started = await readStartTime(driver, name);
  const path = uploadPath(repository, uuid);
  return reportedUpload({ upload: name, path, started, writtenMs, sizeBytes });
}

/** @returns undefined if they have gone meanwhile */
async function describeParts(driver: StorageDriver, path: string): Promise<ReportedUpload | undefined> {
  const amount = hasUnfinishedWrites(driver) ? await driver.unfinishedAmount(path) : undefined;
  return amount && reportedUpload({ upload: undefined, path, started: undefined, ...amount });
}
