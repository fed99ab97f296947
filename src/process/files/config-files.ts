import { readFileSync } from "node:fs";
import { ConfigError } from "../../errors.ts";
import { fileProblemOf } from "../../lib/system-error.ts";
import { replaceFile } from "./replace-file.ts";

/** Reads a configuration file as it is. @throws {ConfigError} if it cannot be read */
export function readConfigFile(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw new ConfigError(`the config ${path} cannot be read: ${fileProblemOf(cause)}`, { cause });
  }
}

/** Replaces the content of a configuration file; owner, mode and links stay. @throws as {@link replaceFile} does */
export async function replaceConfigFile(path: string, text: string, expected: string): Promise<void> {
  await replaceFile(path, text, { expected });
}
