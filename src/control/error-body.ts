import {
  CancelledError,
  ConfigError,
  RegistryCtlError,
  RegistryStateError,
  StorageFullError,
  StorageUnavailableError,
  UsageError,
} from "../errors.ts";

/** An error as it goes over the control socket. */
export interface ErrorBody {
  code: string;
  /** Names file, line and column itself, where the error has a place. */
  message: string;
  hint?: string;
}

type ErrorClass = new (message: string, options: { hint?: string | undefined }) => RegistryCtlError;

/** Classes on which callers branch, and on which exit codes depend. */
const CLASSES: ReadonlyMap<string, ErrorClass> = new Map<string, ErrorClass>([
  ["ERR_CONFIG", ConfigError],
  ["ERR_STORAGE_UNAVAILABLE", StorageUnavailableError],
  ["ERR_STORAGE_FULL", StorageFullError],
  ["ERR_REGISTRY_STATE", RegistryStateError],
  ["ERR_USAGE", UsageError],
]);

/** Puts an error into a form that goes over the socket. The stack of an unexpected one stays in the server's log. */
export function toErrorBody(error: unknown): ErrorBody {
  if (error instanceof RegistryCtlError) {
    const { code, message, hint } = error;
    return hint === undefined ? { code, message } : { code, message, hint };
  }
  const message = error instanceof Error ? error.message : String(error);
  return {
    code: "ERR_UNEXPECTED",
    message: `the server failed unexpectedly: ${message}`,
    hint: "see its log",
  };
}

/** The error that {@link toErrorBody} was given, of the class that decides on the exit code. */
export function fromErrorBody({ code, message, hint }: ErrorBody): RegistryCtlError {
  if (code === "ERR_CANCELLED") return new CancelledError(message);
  const known = CLASSES.get(code);
  return known === undefined ? new RegistryCtlError(code, message, { hint }) : new known(message, { hint });
}

/** @returns what stands in the body of a refusal; undefined if it is none */
export function parseErrorBody(value: unknown): ErrorBody | undefined {
  if (typeof value !== "object" || value === null || !("error" in value)) return undefined;
  const { error } = value;
  if (typeof error !== "object" || error === null) return undefined;
  if (!("code" in error) || typeof error.code !== "string") return undefined;
  if (!("message" in error) || typeof error.message !== "string") return undefined;
  const body: ErrorBody = { code: error.code, message: error.message };
  return "hint" in error && typeof error.hint === "string" ? { ...body, hint: error.hint } : body;
}
