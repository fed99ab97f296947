import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readPlainFile } from "../lib/read-plain-file.ts";

/** Which server works on a store, as it says in the store's state folder. */
export interface ServerRecord {
  /** Of store and address, as in the path of the socket. */
  name: string;
  host: string;
  bootId: string;
  pidNamespace: string;
  pid: number;
  /** Tells the process from a later one with its number; undefined where the system does not say. */
  processStart?: string;
  /** ISO 8601, UTC. */
  startedAt: string;
  version: string;
  /** Absolute path; undefined: the embedded configuration. */
  configFile?: string;
  /** As clients see it. */
  address: string;
  /** Path of the control socket; undefined: there is none. */
  socket?: string;
}

/** A {@link ServerRecord} with the user to whom the file belongs. */
export interface FoundRecord {
  record: ServerRecord;
  uid: number;
}

const FOLDER = "servers";
/** A record is far smaller. */
const MAX_BYTES = 64 * 1024;

/** Writes who serves; replaces what a server of the same name has left behind. */
export function writeServerRecord(stateFolder: string, record: ServerRecord): void {
  const folder = join(stateFolder, FOLDER);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, `${record.name}.json`);
  const temporary = `${path}.${record.pid}.tmp`;
  writeFileSync(temporary, `${JSON.stringify(record)}\n`, { mode: 0o600 });
  renameSync(temporary, path);
}

/** Removes the record of a server, unless another one has written its own there. Never throws. */
export function removeServerRecord(
  stateFolder: string,
  { name, pid }: Pick<ServerRecord, "name" | "pid">,
): void {
  try {
    const path = join(stateFolder, FOLDER, `${name}.json`);
    if (parseRecord(readFileSync(path, "utf8"))?.pid === pid) rmSync(path);
  } catch {
    // It is known to be stale by its process.
  }
}

/** @returns the records of a state folder that can be read, of living servers and dead ones */
export function readServerRecords(stateFolder: string): FoundRecord[] {
  const folder = join(stateFolder, FOLDER);
  let names: string[];
  try {
    names = readdirSync(folder).filter((name) => name.endsWith(".json"));
  } catch {
    return [];
  }
  return names.flatMap((name): FoundRecord[] => {
    try {
      const file = readPlainFile(join(folder, name), MAX_BYTES);
      const record = file ? parseRecord(file.text) : undefined;
      return file && record ? [{ record, uid: file.uid }] : [];
    } catch {
      return [];
    }
  });
}

function parseRecord(text: string): ServerRecord | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== "object" || value === null) return undefined;
  const fields = value as Partial<Record<keyof ServerRecord, unknown>>;
  const { name, host, bootId, pidNamespace, pid, startedAt, version, address } = fields;
  const texts = [name, host, bootId, pidNamespace, startedAt, version, address];
  if (!texts.every((text) => typeof text === "string") || typeof pid !== "number") return undefined;
  const { processStart, configFile, socket } = fields;
  const optional = { processStart, configFile, socket };
  if (!Object.values(optional).every((each) => each === undefined || typeof each === "string"))
    return undefined;
  return value as ServerRecord;
}
