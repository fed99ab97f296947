import type { StartTime } from "../../registry/uploads/look-at-upload.ts";
import type { PurgedUpload } from "../../registry/uploads/purge-uploads.ts";
import type { FailedRemoval } from "../../registry/uploads/remove-upload.ts";

/** An unfinished upload as reports show it. Times are ISO 8601, UTC. */
export interface ReportedUpload {
  /** Left out for parts of a blob that belong to no upload; then `path` is that of the blob. */
  repository?: string;
  /** The id of the upload; left out as `repository` is. */
  upload?: string;
  /** In the store: the folder of the upload. */
  path: string;
  /** As the upload says; `missing` or `damaged` if it does not. Left out for parts. */
  startedAt?: string;
  /** By the store's clock. */
  lastWrittenAt: string;
  bytes: number;
}

/** The result of a purge; what `uploads purge --json` prints. */
export interface PurgeReport {
  schemaVersion: 1;
  command: "uploads purge";
  dryRun: boolean;
  /** By our clock. */
  startedAt: string;
  olderThanSeconds: number;
  /** Uploads that there were; left out when somebody else held the lock. */
  found?: number;
  /** Uploads, and parts without one, that stay as they are young or in use. */
  kept: number;
  /** What was removed, or in a dry run what would be; by path. */
  purged: ReportedUpload[];
  /** Of all that was purged. */
  purgedBytes: number;
  warnings: string[];
  /** What could not be listed or removed: the first of it. */
  failed: FailedRemoval[];
  /** How many failed. */
  failures: number;
  /** Requests that went to the store, by kind; left out where files are read without. */
  requests?: Record<string, number>;
  seconds: number;
}

/** @returns what reports say of an upload that was purged */
export function reportedUpload({
  upload,
  path,
  started,
  writtenMs,
  sizeBytes,
}: PurgedUpload): ReportedUpload {
  return {
    ...(upload ? { repository: upload.repository, upload: upload.uuid } : {}),
    path,
    ...(started ? { startedAt: reportedStart(started) } : {}),
    lastWrittenAt: new Date(writtenMs).toISOString(),
    bytes: sizeBytes,
  };
}

/** @returns a time, `missing` or `damaged` */
export function reportedStart(started: StartTime): string {
  return started.kind === "told" ? new Date(started.ms).toISOString() : started.kind;
}
