import {
  CancelledError,
  DigestMismatchError,
  RegistryCtlError,
  StorageFullError,
  StorageUnavailableError,
} from "../errors.ts";
import { InvalidReferenceError } from "../oci/reference.ts";
import type { Answer } from "./answer.ts";
import { ApiError } from "./api-error.ts";
import { type ErrorKey, errorCode, errorRow } from "./error-table.ts";

/** Which row of the error table a code of ours falls under. */
const KEY_BY_CODE: Readonly<Record<string, ErrorKey>> = {
  ERR_BLOB_UNKNOWN: "BLOB_UNKNOWN",
  ERR_MANIFEST_UNKNOWN: "MANIFEST_UNKNOWN",
  ERR_TAG_UNKNOWN: "MANIFEST_UNKNOWN",
  ERR_REPOSITORY_UNKNOWN: "NAME_UNKNOWN",
  ERR_UPLOAD_UNKNOWN: "BLOB_UPLOAD_UNKNOWN",
  ERR_UPLOAD_INVALID: "BLOB_UPLOAD_INVALID",
  ERR_INVALID_DIGEST: "DIGEST_INVALID",
  ERR_INVALID_MANIFEST: "MANIFEST_INVALID",
  ERR_DIGEST_MISMATCH: "DIGEST_INVALID",
};

/** System errors by which a store denies access: a fault of the installation, which trying again does not mend. */
const DENIALS: ReadonlySet<string> = new Set(["EACCES", "EPERM", "EROFS"]);

/** @returns the row of the error table for anything thrown; UNKNOWN for what nobody foresaw */
export function errorKeyOf(error: unknown): ErrorKey {
  if (error instanceof ApiError) return error.key;
  if (error instanceof InvalidReferenceError) {
    return error.kind === "repository" ? "NAME_INVALID" : "TAG_INVALID";
  }
  if (error instanceof StorageFullError) return "STORAGE_FULL";
  if (error instanceof StorageUnavailableError) return isDenial(error) ? "UNKNOWN" : "UNAVAILABLE";
  if (error instanceof CancelledError) return "UNAVAILABLE";
  if (!(error instanceof RegistryCtlError)) return "UNKNOWN";
  // A stored manifest or blob that does not have its digest is the store's fault, not the client's.
  return KEY_BY_CODE[error.code] ?? "UNKNOWN";
}

/** @returns the spec's JSON for an error, with status and headers. What is not meant for clients stays out of it */
export function errorAnswer(error: unknown): Answer {
  const key = errorKeyOf(error);
  const row = errorRow(key);
  const details = error instanceof ApiError ? error.details : [publicDetail(error, row.status)];
  const errors = details.map((detail) => ({
    code: errorCode(key),
    message: row.message,
    ...(detail === undefined ? {} : { detail }),
  }));
  const body = Buffer.from(`${JSON.stringify({ errors })}\n`);
  const headers: Record<string, string> = { "Content-Type": "application/json" };
  if (row.retryAfterSeconds !== undefined) headers["Retry-After"] = String(row.retryAfterSeconds);
  if (error instanceof ApiError) Object.assign(headers, error.headers);
  return { status: row.status, headers, body };
}

/** Our messages name what the client sent, which helps; those of faults name our paths, which is nobody's business. */
function publicDetail(error: unknown, status: number): unknown {
  if (status >= 500 || !(error instanceof RegistryCtlError)) return undefined;
  if (error instanceof DigestMismatchError) {
    return { reason: error.message, expected: error.expected, actual: error.actual };
  }
  return { reason: error.message };
}

function isDenial(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if ("code" in cause && typeof cause.code === "string" && DENIALS.has(cause.code)) return true;
  }
  return false;
}
