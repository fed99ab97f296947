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
  const table = new Table({
    head: [...head],
    colAligns: head.map((_, index) => (rightAligned.includes(index) ? "right" : "left")),
    // Empty styles: otherwise the library writes ANSI colours even into a pipe.
    style: { head: [], border: [], "padding-left": 0, "padding-right": 2 },
    chars: NO_FRAME,
  });
  for (const row of rows) table.push([...row]);
  return table
    .toString()
    .split("\n")
    .map((line) => line.trimEnd())
    .join("\n");
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
