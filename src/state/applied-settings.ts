import { join } from "node:path";
import { asRecord, isText } from "./json-fields.ts";
import { readRunFile } from "./run-files.ts";
import { writeStateFile } from "./state-file.ts";

/** The settings that a command of ours last made a server use. */
export interface AppliedSettings {
  /** As `ServerStatus` has it. */
  settingsDigest: string;
  /** Absolute path; left out for the embedded configuration. */
  configFile?: string;
  /** ISO 8601, UTC. */
  appliedAt: string;
  /** The command: `start`, `reload`, `reconfigure`. */
  command: string;
}

const FILE = "applied.json";

/**
 * Remembers which settings a server was made to use, so that it can be told whether something else has changed them
 * since. It belongs to the owner of the state folder, whoever writes it.
 *
 * @throws {Error} the system's, if it cannot be written
 */
export function writeAppliedSettings(stateFolder: string, applied: AppliedSettings): void {
  writeStateFile(stateFolder, FILE, `${JSON.stringify({ schemaVersion: 1, ...applied })}\n`);
}

/** @returns what was applied last, by what the store's state folders tell; undefined if that is not known */
export function readAppliedSettings(stateFolders: readonly string[]): AppliedSettings | undefined {
  const known = stateFolders.flatMap((folder) => readOne(join(folder, FILE)) ?? []);
  return known.sort((left, right) => (left.appliedAt < right.appliedAt ? 1 : -1))[0];
}

function readOne(path: string): AppliedSettings | undefined {
  let fields: Record<string, unknown> | undefined;
  try {
    fields = asRecord(readRunFile(path));
  } catch {
    return undefined;
  }
  if (fields?.["schemaVersion"] !== 1) return undefined;
  const { settingsDigest, appliedAt, command, configFile } = fields;
  if (!isText(settingsDigest) || !isText(appliedAt) || !isText(command)) return undefined;
  return { settingsDigest, appliedAt, command, ...(isText(configFile) ? { configFile } : {}) };
}
