import Table from "cli-table3";

/**
 * @param head - column titles
 * @param rows - one text per column; numbers are to be formatted by the caller
 * @param rightAligned - indices of columns that are aligned to the right
 * @returns an aligned table without frame or colour, to read and to grep, without final newline
 */
export function renderTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  rightAligned: readonly number[] = [],
): string {
  const columns = head.map((title, index) => ({
    isRight: rightAligned.includes(index),
    width: rows.reduce((width, row) => Math.max(width, widthOf(row[index] ?? "")), widthOf(title)),
  }));
  return [head, ...rows].map((row) => renderRow(row, columns)).join("\n");
}

interface Column {
  isRight: boolean;
  /** On the screen. */
  width: number;
}

const GAP = "  ";
/** A character of these takes one place on the screen; what the library makes of others costs it much time. */
const PLAIN = /^[ -~]*$/;

function renderRow(row: readonly string[], columns: readonly Column[]): string {
  if (!row.every((text) => PLAIN.test(text))) return renderOddRow(row, columns);
  const cells = columns.map(({ isRight, width }, index) => {
    const text = row[index] ?? "";
    return isRight ? text.padStart(width) : text.padEnd(width);
  });
  return cells.join(GAP).trimEnd();
}

/** With letters that are wider or narrower than others, or with more than one line. */
function renderOddRow(row: readonly string[], columns: readonly Column[]): string {
  const table = new Table({
    colAligns: columns.map(({ isRight }) => (isRight ? "right" : "left")),
    colWidths: columns.map(({ width }) => width + GAP.length),
    // Empty styles: otherwise the library writes ANSI colours even into a pipe.
    style: { head: [], border: [], "padding-left": 0, "padding-right": GAP.length },
    chars: NO_FRAME,
  });
  table.push(columns.map((_, index) => row[index] ?? ""));
  return table
    .toString()
    .split("\n")
    .map((line) => line.trimEnd())
    .join("\n");
}

/** @returns how many places a text takes on the screen, by what the library leaves free behind it */
function widthOf(text: string): number {
  if (PLAIN.test(text)) return text.length;
  const widths = text.split("\n").map((line) => {
    const places = 2 * line.length + 1;
    const table = new Table({
      colWidths: [places],
      style: { head: [], border: [], "padding-left": 0, "padding-right": 0 },
      chars: NO_FRAME,
    });
    table.push([`${line}.`]);
    const rendered = table.toString();
    return places - (rendered.length - rendered.lastIndexOf("."));
  });
  return Math.max(...widths);
}

const NO_FRAME = {
  top: "",
  "top-mid": "",
  "top-left": "",
  "top-right": "",
  bottom: "",
  "bottom-mid": "",
  "bottom-left": "",
  "bottom-right": "",
  left: "",
  "left-mid": "",
  mid: "",
  "mid-mid": "",
  right: "",
  "right-mid": "",
  middle: "",
};
