import { appendFileSync, closeSync, fstatSync, readSync } from "node:fs";
import type { JournalBatch, JournalEnd, JournalHeader } from "./journal.ts";
import { openJournal } from "./open-journal.ts";
import { readLines } from "./read-lines.ts";

/** The last line is shorter. */
const TAIL_BYTES = 4096;
/** A batch of a thousand paths takes 150 KB, and cannot take more than 4 MB. */
const MAX_LINE_BYTES = 16 * 1024 * 1024;

/** What the journal of a run says. */
export interface JournalSummary {
  header: JournalHeader | undefined;
  /** How the run ended; undefined if it was killed, or goes on. */
  end: string | undefined;
  /** Of the last batch; undefined if there was none. */
  lastPhase: string | undefined;
  /** Batches of which it is not known how far they got. */
  unfinished: JournalBatch[];
}

/**
 * Reads a journal line by line; a line that is torn or damaged is passed over. What it says is to be checked before
 * anything is done: it may come from another version, or be damaged in a way that still reads.
 *
 * @param onBatch - called with each batch that was begun; a promise is waited for
 * @throws {Error} if it cannot be read
 */
export async function readJournal(
  path: string,
  onBatch?: (batch: JournalBatch) => Promise<void> | void,
): Promise<JournalSummary> {
  const unfinished = new Map<number, JournalBatch>();
  const summary: JournalSummary = { header: undefined, end: undefined, lastPhase: undefined, unfinished: [] };
  const file = openJournal(path);
  try {
    for await (const { text } of readLines(file, MAX_LINE_BYTES)) {
      const line = parseLine(text);
      if (line === undefined) continue;
      const batch = batchOf(line);
      if (batch !== undefined) {
        unfinished.set(batch.batch, batch);
        summary.lastPhase = batch.phase;
        await onBatch?.(batch);
      } else if (typeof line["done"] === "number") unfinished.delete(line["done"]);
      else if (typeof line["end"] === "string") summary.end = line["end"];
      else summary.header ??= headerOf(line["journal"]);
    }
  } finally {
    closeSync(file);
  }
  summary.unfinished = [...unfinished.values()];
  return summary;
}

/**
 * Tells whether a run has come to an end that leaves nothing to finish, without reading all of its journal. One that
 * failed may not have been able to make its removals durable.
 *
 * @throws {Error} if it cannot be read
 */
export function isEnded(path: string): boolean {
  const file = openJournal(path);
  try {
    const tail = Buffer.alloc(TAIL_BYTES);
    const from = Math.max(0, fstatSync(file).size - TAIL_BYTES);
    const length = readSync(file, tail, 0, TAIL_BYTES, from);
    const last = tail.toString("utf8", 0, length).trimEnd().split("\n").at(-1) ?? "";
    const end = parseLine(last)?.["end"];
    return typeof end === "string" && end !== ("failed" satisfies JournalEnd);
  } finally {
    closeSync(file);
  }
}

/**
 * Notes that what a killed run had left has been finished.
 *
 * @throws {Error} if that cannot be written
 */
export function markFinished(path: string, by: string): void {
  // A line of its own, as the last one may be torn.
  appendFileSync(path, `\n${JSON.stringify({ end: "finished by a later run", by })}\n`, { flush: true });
}

function parseLine(text: string): Record<string, unknown> | undefined {
  try {
    const json: unknown = JSON.parse(text);
    return typeof json === "object" && json !== null ? (json as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

function batchOf({ batch, phase, paths }: Record<string, unknown>): JournalBatch | undefined {
  if (typeof batch !== "number" || typeof phase !== "string" || !Array.isArray(paths)) return undefined;
  return { batch, phase, paths: paths.filter((path): path is string => typeof path === "string") };
}

function headerOf(json: unknown): JournalHeader | undefined {
  if (typeof json !== "object" || json === null) return undefined;
  const fields = json as Record<string, unknown>;
  const { version, command, options, host, bootId, pidNamespace, pid, startedAt } = fields;
  if (typeof pid !== "number" || typeof startedAt !== "string") return undefined;
  return {
    version: String(version),
    command: String(command),
    options: typeof options === "object" && options !== null ? { ...options } : {},
    host: String(host),
    bootId: String(bootId),
    pidNamespace: String(pidNamespace),
    pid,
    startedAt,
  };
}
