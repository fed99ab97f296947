/** One row of the table: what a client is told. */
export interface ErrorRow {
  status: number;
  /** The code in the body, where it differs from the row's key. */
  code?: string;
  message: string;
  /** Seconds after which a client may try again (`Retry-After`). */
  retryAfterSeconds?: number;
}

/**
 * Every error that the server answers with. Keys are the codes of the OCI Distribution Spec and of the Go registry;
 * rows of our own name a condition for which another status than the code's usual one is right.
 * @see https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#error-codes
 * @see https://github.com/distribution/distribution/blob/v3.0.0/registry/api/errcode/register.go
 */
export const ERROR_TABLE = {
  BLOB_UNKNOWN: { status: 404, message: "blob unknown to registry" },
  BLOB_UPLOAD_INVALID: { status: 404, message: "blob upload invalid" },
  BLOB_UPLOAD_UNKNOWN: { status: 404, message: "blob upload unknown to registry" },
  DENIED: { status: 403, message: "requested access to the resource is denied" },
  DIGEST_INVALID: { status: 400, message: "provided digest did not match uploaded content" },
  MANIFEST_BLOB_UNKNOWN: {
    status: 400,
    message: "manifest references a manifest or blob unknown to registry",
  },
  MANIFEST_INVALID: { status: 400, message: "manifest invalid" },
  MANIFEST_UNKNOWN: { status: 404, message: "manifest unknown" },
  NAME_INVALID: { status: 400, message: "invalid repository name" },
  NAME_UNKNOWN: { status: 404, message: "repository name not known to registry" },
  PAGINATION_NUMBER_INVALID: { status: 400, message: "invalid number of results requested" },
  RANGE_INVALID: { status: 416, message: "invalid content range" },
  SIZE_INVALID: { status: 400, message: "provided length did not match content length" },
  TAG_INVALID: { status: 400, message: "manifest tag did not match the grammar of tags" },
  TOOMANYREQUESTS: { status: 429, message: "too many requests", retryAfterSeconds: 1 },
  UNAUTHORIZED: { status: 401, message: "authentication required" },
  UNAVAILABLE: { status: 503, message: "service unavailable", retryAfterSeconds: 5 },
  UNKNOWN: { status: 500, message: "unknown error" },
  UNSUPPORTED: { status: 405, message: "the operation is unsupported" },
  /** No such path below /v2/. */
  PATH_UNKNOWN: { status: 404, code: "UNSUPPORTED", message: "no such path in the registry's API" },
  /** A manifest above the limit; the spec asks for 413. */
  MANIFEST_TOO_LARGE: { status: 413, code: "SIZE_INVALID", message: "manifest too large" },
  /** A Range header of a download that the blob cannot satisfy. */
  RANGE_UNSATISFIABLE: { status: 416, code: "RANGE_INVALID", message: "requested range not satisfiable" },
  /** The request did not come in within its time. */
  REQUEST_TIMEOUT: { status: 408, code: "UNKNOWN", message: "the request did not arrive in time" },
  /** The disk or bucket is full: a fault of the server (5xx) that trying again at once does not mend. */
  STORAGE_FULL: { status: 507, code: "UNKNOWN", message: "no space left in the registry's storage" },
} as const satisfies Record<string, ErrorRow>;

/** A row of {@link ERROR_TABLE}. */
export type ErrorKey = keyof typeof ERROR_TABLE;

/** @returns the row of a key, widened to its optional parts */
export function errorRow(key: ErrorKey): ErrorRow {
  return ERROR_TABLE[key];
}

/** @returns the code that a client reads for a key */
export function errorCode(key: ErrorKey): string {
  return errorRow(key).code ?? key;
}
