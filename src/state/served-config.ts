import { join } from "node:path";
import { type PlainFile, readPlainFile } from "../lib/read-plain-file.ts";
import { writeStateFile } from "./state-file.ts";

const FILE = "served-config.yml";
/** No configuration comes near. */
const MAX_BYTES = 4 * 1024 * 1024;

/**
 * Keeps the text of a configuration with which a registry was seen to serve, so that there is a way back to it. It holds
 * secrets, and is for the owner of the state folder alone.
 *
 * @throws {Error} the system's, if it cannot be written
 */
export function keepServedConfig(stateFolder: string, text: string): void {
  writeStateFile(stateFolder, FILE, text);
}

/** @returns the text that was kept last in one of the folders; undefined if there is none */
export function readServedConfig(stateFolders: readonly string[]): string | undefined {
  const found = stateFolders.flatMap((folder) => readOne(join(folder, FILE)) ?? []);
  return found.sort((left, right) => right.modifiedMs - left.modifiedMs)[0]?.text;
}

function readOne(path: string): PlainFile | undefined {
  try {
    return readPlainFile(path, MAX_BYTES) ?? undefined;
  } catch {
    return undefined;
  }
}
