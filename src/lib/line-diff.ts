/** A line of two texts that are compared. */
export interface DiffLine {
  kind: "same" | "removed" | "added";
  /** Index of the line in the first text; of `added` that of the line before which it comes. */
  before: number;
  /** Index of the line in the second text; of `removed` that of the line before which it stood. */
  after: number;
}

/** Beyond it what lies between the first and the last difference is told as a whole: no configuration is that large. */
const MAX_CELLS = 4_000_000;

/** @returns the lines of both texts in one order, with as few changes as possible */
export function diffLines(before: readonly string[], after: readonly string[]): DiffLine[] {
  let start = 0;
  while (start < before.length && start < after.length && before[start] === after[start]) start++;
  let end = 0;
  const most = Math.min(before.length, after.length) - start;
  while (end < most && before[before.length - 1 - end] === after[after.length - 1 - end]) end++;
  const same = (from: number, count: number, shift: number): DiffLine[] =>
    Array.from({ length: count }, (_, index) => ({
      kind: "same",
      before: from + index,
      after: from + index + shift,
    }));
  const beforeEnd = before.length - end;
  const afterEnd = after.length - end;
  return [
    ...same(0, start, 0),
    ...diffMiddle(before, after, { start, beforeEnd, afterEnd }),
    ...same(beforeEnd, end, afterEnd - beforeEnd),
  ];
}

/** By the longest common subsequence of lines, from the table of its lengths. */
function diffMiddle(
  before: readonly string[],
  after: readonly string[],
  { start, beforeEnd, afterEnd }: { start: number; beforeEnd: number; afterEnd: number },
): DiffLine[] {
  const rows = beforeEnd - start;
  const columns = afterEnd - start;
  const lines: DiffLine[] = [];
  const width = columns + 1;
  const isTooLarge = (rows + 1) * width > MAX_CELLS;
  const lengths = new Uint32Array(isTooLarge ? 0 : (rows + 1) * width);
  const at = (row: number, column: number): number => lengths[row * width + column] ?? 0;
  for (let row = isTooLarge ? -1 : rows - 1; row >= 0; row--) {
    for (let column = columns - 1; column >= 0; column--) {
      lengths[row * width + column] =
        before[start + row] === after[start + column]
          ? at(row + 1, column + 1) + 1
          : Math.max(at(row + 1, column), at(row, column + 1));
    }
  }
  let row = 0;
  let column = 0;
  while (row < rows || column < columns) {
    const place = { before: start + row, after: start + column };
    const isBoth = row < rows && column < columns;
    if (isBoth && !isTooLarge && before[place.before] === after[place.after]) {
      lines.push({ kind: "same", ...place });
      row++;
      column++;
    } else if (row < rows && (!isBoth || at(row + 1, column) >= at(row, column + 1))) {
      lines.push({ kind: "removed", ...place });
      row++;
    } else {
      lines.push({ kind: "added", ...place });
      column++;
    }
  }
  return lines;
}
