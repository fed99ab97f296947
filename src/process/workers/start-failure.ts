import {
  ConfigError,
  RegistryCtlError,
  RegistryStateError,
  StorageFullError,
  StorageUnavailableError,
} from "../../errors.ts";
import type { StartFailure } from "./messages.ts";

const UNEXPECTED = "ERR_UNEXPECTED";

/** Puts an error into a form that goes through a channel. */
export function toStartFailure(error: unknown): StartFailure {
  if (error instanceof RegistryCtlError)
    return { code: error.code, message: error.message, hint: error.hint };
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { code: UNEXPECTED, message: text };
}

/** The error that {@link toStartFailure} was given, of the class that decides on the exit code. */
export function fromStartFailure({ code, message, hint }: StartFailure): Error {
  switch (code) {
    case "ERR_CONFIG":
      return new ConfigError(message, { hint });
    case "ERR_STORAGE_UNAVAILABLE":
      return new StorageUnavailableError(message, { hint });
    case "ERR_STORAGE_FULL":
      return new StorageFullError(message, { hint });
    case "ERR_REGISTRY_STATE":
      return new RegistryStateError(message, { hint });
    case UNEXPECTED:
      return new Error(`a worker could not start: ${message}`);
    default:
      return new RegistryCtlError(code, message, { hint });
  }
}
