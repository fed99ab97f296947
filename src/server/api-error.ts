import { RegistryCtlError } from "../errors.ts";
import { type ErrorKey, errorRow } from "./error-table.ts";

/** A refusal by the HTTP layer itself: a row of the error table with details. */
export class ApiError extends RegistryCtlError {
  override readonly name: string = "ApiError";
  readonly key: ErrorKey;
  /** One entry of the answer's `errors` each; undefined: an entry without detail. */
  readonly details: readonly unknown[];
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    key: ErrorKey,
    options: {
      detail?: unknown;
      details?: readonly unknown[];
      headers?: Record<string, string>;
      cause?: unknown;
    } = {},
  ) {
    super(`ERR_HTTP_${key}`, errorRow(key).message, { cause: options.cause });
    this.key = key;
    this.details = options.details ?? [options.detail];
    this.headers = options.headers ?? {};
  }
}

/** The client closed the connection before it had its answer: nobody is left to be answered, and nothing is wrong. */
export class ClientGoneError extends RegistryCtlError {
  override readonly name: string = "ClientGoneError";
  constructor(options: { cause?: unknown } = {}) {
    super("ERR_CLIENT_GONE", "the client closed the connection", options);
  }
}
