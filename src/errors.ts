/**
 * Every error that is a user's or the environment's fault, not a bug in this program. Anything else that is
 * thrown is unexpected and is reported with its stack.
 */
export class RegistryCtlError extends Error {
  override readonly name: string = "RegistryCtlError";
  /** Stable identifier such as `ERR_STORAGE_NOT_FOUND`; scripts may match it. */
  readonly code: string;
  /** One imperative sentence: what to do next. */
  readonly hint: string | undefined;

  /**
   * @param message - lower-case sentence with the actual and the expected value, no final full stop
   */
  constructor(code: string, message: string, options: { hint?: string | undefined; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.hint = options.hint;
  }
}

/** The command line is wrong, or an answer is needed and there is no terminal to ask on. Exit code 2. */
export class UsageError extends RegistryCtlError {
  override readonly name: string = "UsageError";
  constructor(message: string, options: { hint?: string | undefined; cause?: unknown } = {}) {
    super("ERR_USAGE", message, options);
  }
}

/** Somebody (Ctrl-C, SIGTERM, an aborted signal) asked to stop. Exit code 130 or 143. */
export class CancelledError extends RegistryCtlError {
  override readonly name: string = "CancelledError";
  constructor(message = "cancelled", options: { hint?: string | undefined; cause?: unknown } = {}) {
    super("ERR_CANCELLED", message, options);
  }
}

/** Where in a text file something stands; line and column count from 1. */
export interface SourcePosition {
  file: string;
  line: number;
  column: number;
}

/**
 * The registry's configuration is missing or wrong. Exit code 10. The message names file, line and column itself
 * where there is a position.
 */
export class ConfigError extends RegistryCtlError {
  override readonly name: string = "ConfigError";
  readonly position: SourcePosition | undefined;
  constructor(
    message: string,
    options: { hint?: string | undefined; cause?: unknown; position?: SourcePosition | undefined } = {},
  ) {
    const at = options.position;
    super("ERR_CONFIG", at ? `${at.file}:${at.line}:${at.column}: ${message}` : message, options);
    this.position = at;
  }
}

/** The store cannot be reached, or denies what was asked (EACCES, 403). Exit code 11. */
export class StorageUnavailableError extends RegistryCtlError {
  override readonly name: string = "StorageUnavailableError";
  constructor(message: string, options: { hint?: string | undefined; cause?: unknown } = {}) {
    super("ERR_STORAGE_UNAVAILABLE", message, options);
  }
}

/** The store has no room left (ENOSPC, EDQUOT, a bucket's quota). Exit code 11. */
export class StorageFullError extends RegistryCtlError {
  override readonly name: string = "StorageFullError";
  constructor(message: string, options: { hint?: string | undefined; cause?: unknown } = {}) {
    super("ERR_STORAGE_FULL", message, options);
  }
}

/** The registry is locked, not proved read-only, or not in a state in which the command may work. Exit code 12. */
export class RegistryStateError extends RegistryCtlError {
  override readonly name: string = "RegistryStateError";
  constructor(message: string, options: { hint?: string | undefined; cause?: unknown } = {}) {
    super("ERR_REGISTRY_STATE", message, options);
  }
}

/** No file and no folder stands at a path of the store. */
export class PathNotFoundError extends RegistryCtlError {
  override readonly name: string = "PathNotFoundError";
  readonly path: string;
  constructor(driver: string, path: string, options: { cause?: unknown } = {}) {
    super("ERR_STORAGE_NOT_FOUND", `${driver}: no such path: ${path}`, options);
    this.path = path;
  }
}

/** A path is not absolute, has empty, `.` or `..` segments, or characters that no store takes. */
export class InvalidPathError extends RegistryCtlError {
  override readonly name: string = "InvalidPathError";
  constructor(path: string, reason: string) {
    super("ERR_STORAGE_INVALID_PATH", `invalid storage path ${JSON.stringify(path)}: ${reason}`);
  }
}

/** A read or append was asked for at an offset that the file does not have. */
export class InvalidOffsetError extends RegistryCtlError {
  override readonly name: string = "InvalidOffsetError";
  constructor(driver: string, path: string, offset: number) {
    super("ERR_STORAGE_INVALID_OFFSET", `${driver}: offset ${offset} is outside ${path}`);
  }
}

/** Bytes do not have the digest that they were said to have. */
export class DigestMismatchError extends RegistryCtlError {
  override readonly name: string = "DigestMismatchError";
  readonly expected: string;
  readonly actual: string;
  constructor(expected: string, actual: string, what = "content") {
    super("ERR_DIGEST_MISMATCH", `${what} has digest ${actual}, expected ${expected}`);
    this.expected = expected;
    this.actual = actual;
  }
}
