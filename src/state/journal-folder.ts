import { readdirSync } from "node:fs";
import { join } from "node:path";
import { errorCodeOf } from "../lib/system-error.ts";

const SUFFIX = ".journal";

/**
 * @returns the paths of all journals in a folder, the oldest first; none if there is no folder
 * @throws {Error} if the folder cannot be listed
 */
export function listJournals(folder: string): string[] {
  let names: string[];
  try {
    names = readdirSync(folder);
  } catch (error) {
    if (errorCodeOf(error) === "ENOENT") return [];
    throw error;
  }
  // They begin with the time of the run.
  return names
    .filter((name) => name.endsWith(SUFFIX))
    .sort()
    .map((name) => join(folder, name));
}
