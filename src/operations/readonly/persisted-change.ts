import { UsageError } from "../../errors.ts";
import { messageOf } from "../../lib/message-of.ts";
import type { ConfigFiles } from "./config-files.ts";
import { changeReadOnly, type ReadOnlyChange } from "./read-only-key.ts";

/** A change of the key in the file that a registry reads. */
export interface PersistedChange extends ReadOnlyChange {
  /** Absolute path. */
  file: string;
}

/** The environment decides over the file. */
export const READ_ONLY_VARIABLE = "REGISTRY_STORAGE_MAINTENANCE_READONLY_ENABLED";

/**
 * Plans the change of the file.
 *
 * @param file - absolute path; undefined: the embedded configuration
 * @param effective - what the configuration comes to with the environment
 * @throws {UsageError} if there is no file, or the environment says otherwise than the file
 * @throws {ConfigError} if the key cannot be set
 */
export function planPersisted(
  files: ConfigFiles,
  file: string | undefined,
  { readOnly, effective }: { readOnly: boolean; effective: boolean },
): PersistedChange {
  if (file === undefined) {
    throw new UsageError("the embedded configuration cannot be changed", {
      hint: "name a file: --config FILE",
    });
  }
  const change = { ...changeReadOnly(files.read(file), file, readOnly), file };
  if (change.wasReadOnly !== effective) {
    throw new UsageError(`the environment variable ${READ_ONLY_VARIABLE} decides, not ${file}`, {
      hint: "change or remove the variable where the service gets its environment",
    });
  }
  return change;
}

/**
 * Changes the file.
 *
 * @returns why it could not be changed, for people, where it lies on something that nobody can write; else undefined
 */
export async function writePersisted(
  files: ConfigFiles,
  { file, before, after }: PersistedChange,
): Promise<string | undefined> {
  if (after === before) return undefined;
  try {
    await files.replace(file, after, before);
    return undefined;
  } catch (error) {
    if (!isReadOnlyFile(error)) throw error;
    return `${messageOf(error)}: the change holds for the running server only`;
  }
}

function isReadOnlyFile(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ERR_FILE_READ_ONLY";
}
