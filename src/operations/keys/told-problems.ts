import { PemError } from "../../lib/pem-blocks.ts";
import { type KeyFile, readKeyFile, UnreadableKeyFileError } from "./read-key-file.ts";

/**
 * Reads a file; one that is not there is a problem among others.
 *
 * @param path - absolute
 * @param problems - what is wrong is added here
 * @throws {UnreadableKeyFileError} if it is there and may not be read
 */
export function readOrTell(path: string, problems: string[]): KeyFile | undefined {
  try {
    return readKeyFile(path);
  } catch (error) {
    if (!(error instanceof UnreadableKeyFileError) || !error.isMissing) throw error;
    problems.push(error.message);
    return undefined;
  }
}

/** Parses what a file holds; that it cannot be parsed is a problem among others. */
export function parseOrTell<T>(path: string, parse: () => T, problems: string[]): T | undefined {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof PemError)) throw error;
    problems.push(`${path}: ${error.message}${error.hint === undefined ? "" : ` (${error.hint})`}`);
    return undefined;
  }
}
