import { LOCKFILES_ROOT } from "../../registry/paths.ts";
import { readSmallFile } from "../../registry/small-file.ts";
import { asRecord, isText, isTime } from "../../state/json-fields.ts";
import type { StorageDriver } from "../../storage/driver.ts";

/** By this file a store is known again as one of the two of a move. No registry and no collector looks at it. */
export const MARK_PATH = `${LOCKFILES_ROOT}/registry-ctl.migration`;

const MAX_BYTES = 64 * 1024;

/** What stands in the file; nothing in it is secret. */
export interface StoreMark {
  schemaVersion: 1;
  /** Of the move. */
  id: string;
  /** What the store is in that move; left out: the target. */
  role?: "source";
  /** As `storeName` gives it: the other store. */
  source: string;
  /** ISO 8601, UTC. */
  startedAt: string;
  /** When the registry began to use the target. */
  finishedAt?: string;
}

/** @returns undefined if there is none; a damaged one counts as one of an unknown move */
export async function readMark(driver: StorageDriver): Promise<StoreMark | undefined> {
  const bytes = await readSmallFile(driver, MARK_PATH, MAX_BYTES);
  if (bytes === undefined) return undefined;
  return parseMark(bytes) ?? { schemaVersion: 1, id: "", source: "an unknown store", startedAt: "" };
}

/** Marks a store; replaces an earlier mark. */
export function writeMark(driver: StorageDriver, mark: Omit<StoreMark, "schemaVersion">): Promise<void> {
  return driver.put(MARK_PATH, Buffer.from(`${JSON.stringify({ schemaVersion: 1, ...mark })}\n`));
}

function parseMark(bytes: Uint8Array): StoreMark | undefined {
  let fields: Record<string, unknown> | undefined;
  try {
    fields = asRecord(JSON.parse(Buffer.from(bytes).toString()));
  } catch {
    return undefined;
  }
  const { id, role, source, startedAt, finishedAt } = fields ?? {};
  if (!isText(id) || !isText(source) || !isTime(startedAt)) return undefined;
  return {
    ...{ schemaVersion: 1, id, source, startedAt },
    ...(role === "source" ? { role } : {}),
    ...(isTime(finishedAt) ? { finishedAt } : {}),
  };
}
