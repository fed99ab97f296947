import type { UsageReport, UsageRow } from "../../operations/usage/usage-report.ts";
import { renderBar } from "../../ui/bar.ts";
import { renderTable } from "../../ui/table.ts";
import { columnsOf, type UsageColumn } from "./columns.ts";
import { cellsOf, headOf, rightAlignedOf, summaryRows } from "./render-cells.ts";

/** A bar of fewer places says too little. */
const MIN_BAR = 10;
const MAX_BAR = 40;
const GAP = 2;

/**
 * @param places - of a line of the terminal, where each row gets a bar, in the place of columns that find no room; undefined:
 *   all columns, no bar
 */
export function renderUsageTable(report: UsageReport, places: number | undefined): string {
  const columns = columnsOf(report.by);
  const rows = [...report.rows, ...summaryRows(report)];
  if (places === undefined) {
    return renderTable(
      headOf(columns),
      rows.map((row) => cellsOf(row, columns)),
      rightAlignedOf(columns),
    );
  }
  // The last place is left free: some terminals begin a new line behind it.
  const free = places - 1 - GAP;
  const shown = fitting(columns, rows, free - MIN_BAR);
  const width = Math.min(MAX_BAR, Math.max(MIN_BAR, free - tableWidth(shown, rows)));
  const largest = report.rows.reduce((size, { sizeBytes }) => Math.max(size, sizeBytes), 0);
  const bars = rows.map((row, index) =>
    index < report.rows.length ? renderBar(partsOf(row), largest, width) : "",
  );
  return renderTable(
    [...headOf(shown), ""],
    rows.map((row, index) => [...cellsOf(row, shown), bars[index] ?? ""]),
    rightAlignedOf(shown),
  );
}

/** Its own bytes, then those that it shares. */
function partsOf({ sizeBytes, sharedBytes = 0 }: UsageRow): number[] {
  return [sizeBytes - sharedBytes, sharedBytes];
}

/** @returns as many columns as find room */
function fitting(columns: readonly UsageColumn[], rows: readonly UsageRow[], places: number): UsageColumn[] {
  let shown = [...columns];
  while (tableWidth(shown, rows) > places) {
    const spare = shown.reduce((most, column) => Math.max(most, column.spare), 0);
    if (spare === 0) break;
    shown = shown.filter((column) => column.spare !== spare);
  }
  return shown;
}

function tableWidth(columns: readonly UsageColumn[], rows: readonly UsageRow[]): number {
  const widths = columns.map(({ title }) => title.length);
  for (const row of rows) {
    for (const [index, text] of cellsOf(row, columns).entries())
      widths[index] = Math.max(widths[index] ?? 0, text.length);
  }
  return widths.reduce((sum, width) => sum + width + GAP, -GAP);
}
