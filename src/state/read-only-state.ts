import { renameSync, rmSync, writeFileSync } from "node:fs";
import { isAbsolute, join } from "node:path";
import { readPlainFile } from "../lib/read-plain-file.ts";

/** That a server refuses writes because somebody asked it to, as it is kept over restarts. */
export interface KeptReadOnly {
  /** ISO 8601, UTC. */
  since: string;
  /** When it ends by itself; undefined: never. */
  until?: string;
  /** For people. */
  reason: string;
  /**
   * All state folders in which it is kept, where the server has gone from one store to another meanwhile; the one in which
   * it was asked for comes first. Undefined: only where it was found.
   */
  folders?: string[];
}

const FILE = "read-only.json";
/** It is far smaller. */
const MAX_BYTES = 64 * 1024;

/**
 * @returns what is kept in a state folder, be it over or not; undefined if there is nothing
 * @throws {Error} if it cannot be read: then nobody knows
 */
export function readKeptReadOnly(stateFolder: string): KeptReadOnly | undefined {
  const file = readPlainFile(join(stateFolder, FILE), MAX_BYTES);
  if (file === undefined) return undefined;
  if (file === null) throw new Error(`${FILE} is no file of ours`);
  const value: unknown = JSON.parse(file.text);
  if (typeof value !== "object" || value === null) throw new Error(`${FILE} is damaged`);
  const { since, until, reason } = value as Partial<Record<keyof KeptReadOnly, unknown>>;
  if (typeof since !== "string" || typeof reason !== "string") throw new Error(`${FILE} is damaged`);
  if (Number.isNaN(Date.parse(since))) throw new Error(`${FILE} is damaged`);
  const kept: KeptReadOnly = { since, reason, ...foldersOf(value) };
  if (until === undefined) return kept;
  if (typeof until !== "string" || Number.isNaN(Date.parse(until))) throw new Error(`${FILE} is damaged`);
  return { ...kept, until };
}

function foldersOf(value: object): Pick<KeptReadOnly, "folders"> {
  if (!("folders" in value)) return {};
  const { folders } = value;
  if (!Array.isArray(folders) || !folders.every((each) => typeof each === "string" && isAbsolute(each)))
    throw new Error(`${FILE} is damaged`);
  return { folders };
}

/** @returns the path of what is kept in a state folder, for people */
export function keptReadOnlyPath(stateFolder: string): string {
  return join(stateFolder, FILE);
}

/** Tells whether what is kept comes from the same request. */
export function isSameReadOnly(one: KeptReadOnly, other: KeptReadOnly): boolean {
  return one.reason === other.reason && one.since === other.since;
}

/** Replaces what is kept, in one step. */
export function keepReadOnly(stateFolder: string, state: KeptReadOnly): void {
  const path = join(stateFolder, FILE);
  writeFileSync(`${path}.tmp`, `${JSON.stringify(state)}\n`, { mode: 0o600, flush: true });
  renameSync(`${path}.tmp`, path);
}

/** Removes what is kept; nothing happens if there is nothing. */
export function forgetReadOnly(stateFolder: string): void {
  rmSync(join(stateFolder, FILE), { force: true });
}
