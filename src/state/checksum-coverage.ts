import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { errorCodeOf } from "../lib/system-error.ts";
import { asRecord } from "./json-fields.ts";

/** What of all digests was hashed at one time: from a place up to, not including, another. */
export interface CoveredRange {
  from: number;
  to: number;
  /** When the run began that hashed it, in milliseconds since 1970. */
  atMs: number;
}

/** How far the blobs of a store have been hashed, in turns. */
export interface ChecksumCoverage {
  /** The place where the next run begins. */
  next: number;
  /** By place, without overlaps. */
  ranges: readonly CoveredRange[];
}

/** Nothing was hashed yet. */
export const NO_COVERAGE: ChecksumCoverage = { next: 0, ranges: [] };

const FILE = "checksum-rotation.json";

/** @returns the ranges with a new one over them; what lies below it is forgotten */
export function withRange(ranges: readonly CoveredRange[], added: CoveredRange): CoveredRange[] {
  if (added.to <= added.from) return [...ranges];
  const rest = ranges.flatMap((range) => [
    { ...range, to: Math.min(range.to, added.from) },
    { ...range, from: Math.max(range.from, added.to) },
  ]);
  return [...rest.filter(({ from, to }) => to > from), added].sort((a, b) => a.from - b.from);
}

/**
 * @param end - where the places end
 * @returns how many of a hundred are covered, and since when all are: undefined unless they are
 */
export function describeCoverage(
  ranges: readonly CoveredRange[],
  end: number,
): { percent: number; sinceMs: number | undefined } {
  const covered = ranges.reduce((sum, { from, to }) => sum + (to - from), 0);
  const oldest = ranges.reduce((least, { atMs }) => Math.min(least, atMs), Number.POSITIVE_INFINITY);
  return { percent: (covered * 100) / end, sinceMs: covered >= end ? oldest : undefined };
}

/**
 * @returns what a store's state folder says; nothing was hashed if it says nothing
 * @throws {Error} if it cannot be read, or is damaged
 */
export function readCoverage(stateFolder: string): ChecksumCoverage {
  let text: string;
  try {
    text = readFileSync(join(stateFolder, FILE), "utf8");
  } catch (error) {
    if (errorCodeOf(error) === "ENOENT") return NO_COVERAGE;
    throw error;
  }
  const coverage = parseCoverage(text);
  if (coverage === undefined) throw new Error(`${join(stateFolder, FILE)} is damaged`);
  return coverage;
}

/** Replaces it, in one step. */
export function keepCoverage(stateFolder: string, coverage: ChecksumCoverage): void {
  const path = join(stateFolder, FILE);
  writeFileSync(`${path}.tmp`, `${JSON.stringify({ schemaVersion: 1, ...coverage })}\n`, {
    mode: 0o600,
    flush: true,
  });
  renameSync(`${path}.tmp`, path);
}

function parseCoverage(text: string): ChecksumCoverage | undefined {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return undefined;
  }
  const fields = asRecord(json);
  const next = fields?.["next"];
  const ranges = fields?.["ranges"];
  if (fields?.["schemaVersion"] !== 1 || !isPlace(next) || !Array.isArray(ranges)) return undefined;
  const parsed: CoveredRange[] = [];
  let last = 0;
  for (const range of ranges) {
    const { from, to, atMs } = asRecord(range) ?? {};
    if (!isPlace(from) || !isPlace(to) || !isPlace(atMs) || from < last || to <= from) return undefined;
    parsed.push({ from, to, atMs });
    last = to;
  }
  return { next, ranges: parsed };
}

function isPlace(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value) && value >= 0;
}
