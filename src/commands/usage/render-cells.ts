import { printableLine } from "../../lib/printable.ts";
import { formatBytes } from "../../lib/units.ts";
import type { UsageReport, UsageRow } from "../../operations/usage/usage-report.ts";
import type { UsageColumn } from "./columns.ts";

/** @returns the titles of columns */
export function headOf(columns: readonly UsageColumn[]): string[] {
  return columns.map(({ title }) => title);
}

/** @returns the indexes of columns with numbers */
export function rightAlignedOf(columns: readonly UsageColumn[]): number[] {
  return columns.flatMap(({ kind }, index) => (kind === "bytes" || kind === "count" ? [index] : []));
}

/** @returns a row for people */
export function cellsOf(row: UsageRow, columns: readonly UsageColumn[]): string[] {
  return columns.map(({ key, kind }) => {
    const value = row[key];
    if (value === undefined) return "";
    if (kind === "bytes") return formatBytes(Number(value));
    if (kind === "time") return String(value).slice(0, "2026-01-01".length);
    return key === "name" ? nameOf(row) : printableLine(String(value));
  });
}

/** @returns rows for what no row has, and for everything */
export function summaryRows({ orphans, total }: UsageReport): UsageRow[] {
  return [
    {
      ...{ name: "(orphans)", sizeBytes: orphans.sizeBytes, untaggedBytes: orphans.freeableBytes },
      blobs: orphans.blobs,
    },
    { ...total, name: "TOTAL", untaggedBytes: total.untaggedBytes + orphans.freeableBytes },
  ];
}

function nameOf({ name, guessed, parked, damaged }: UsageRow): string {
  return `${printableLine(name)}${guessed ? "~" : ""}${parked ? " (parked)" : ""}${damaged ? " (damaged)" : ""}`;
}
