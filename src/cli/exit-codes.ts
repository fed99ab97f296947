import {
  CancelledError,
  ConfigError,
  RegistryStateError,
  StorageFullError,
  StorageUnavailableError,
  UsageError,
} from "../errors.ts";
import { ReadOnlyStoreError } from "../storage/errors.ts";

/** The exit codes of every command. Scripts rely on them: they never change their meaning. */
export const EXIT = {
  done: 0,
  failed: 1,
  usage: 2,
  /** Some items of a bulk operation failed. */
  partly: 3,
  /** A verification found differences, or a limit that was asked about is exceeded. */
  differences: 4,
  /** The configuration is missing or invalid. */
  config: 10,
  /** The store cannot be reached or denies access. */
  storage: 11,
  /** The registry is locked, or not proved read-only. */
  state: 12,
} as const;

/** Signals that stop a command cleanly, with the exit code that a shell gives to a process that they end. */
export const STOP_SIGNALS = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

/**
 * @param stoppedBy - the signal that asked to stop, if one did
 * @returns the exit code for an error that ended a command
 */
export function exitCodeOf(error: unknown, stoppedBy: keyof typeof STOP_SIGNALS | undefined): number {
  if (error instanceof CancelledError) return STOP_SIGNALS[stoppedBy ?? "SIGINT"];
  if (error instanceof UsageError) return EXIT.usage;
  if (error instanceof ConfigError) return EXIT.config;
  if (isStorageFailure(error)) return EXIT.storage;
  if (error instanceof RegistryStateError) return EXIT.state;
  return EXIT.failed;
}

function isStorageFailure(error: unknown): boolean {
  return (
    error instanceof StorageUnavailableError ||
    error instanceof StorageFullError ||
    error instanceof ReadOnlyStoreError
  );
}
