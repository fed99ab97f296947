import { type DiffLine, diffLines } from "../lib/line-diff.ts";
import { printable } from "../lib/printable.ts";
import type { Colours } from "./colour.ts";

/** A file before and after a change. */
export interface FileChange {
  path: string;
  /** Undefined: there is no such file yet. */
  before: string | undefined;
  /** Undefined: it goes. */
  after: string | undefined;
  /** Makes a text fit to be shown, line by line: lines are never added or taken away. */
  mask?: (text: string) => string;
}

/** Lines around a change that are shown with it. */
const CONTEXT = 3;

/**
 * Shows a change in the form of `diff -u`. A secret that changes is shown masked on both lines.
 *
 * @returns the text without final newline; empty if nothing changes
 */
export function renderDiff(
  { path, before, after, mask = (text) => text }: FileChange,
  colours?: Colours,
): string {
  if (before === after) return "";
  const [old, now] = [before ?? "", after ?? ""].map((text) => ({
    lines: linesOf(text),
    shown: linesOf(mask(text)),
  }));
  if (old === undefined || now === undefined) return "";
  const show = ({ kind, before: from, after: to }: DiffLine): string => {
    const text = printable((kind === "added" ? now.shown[to] : old.shown[from]) ?? "");
    if (kind === "same") return ` ${text}`;
    if (kind === "removed") return colours?.error(`-${text}`) ?? `-${text}`;
    return colours?.added(`+${text}`) ?? `+${text}`;
  };
  const hunks = hunksOf(diffLines(old.lines, now.lines)).flatMap((hunk) => [headOf(hunk), ...hunk.map(show)]);
  return [
    `--- ${before === undefined ? "/dev/null" : path}`,
    `+++ ${after === undefined ? "/dev/null" : path}`,
    ...hunks,
  ].join("\n");
}

/** A last line without its end is another line than one with it. */
function linesOf(text: string): string[] {
  if (text === "") return [];
  const lines = text.split("\n");
  const last = lines.pop() ?? "";
  return last === "" ? lines : [...lines, `${last} (no newline at the end)`];
}

function hunksOf(lines: readonly DiffLine[]): DiffLine[][] {
  const hunks: DiffLine[][] = [];
  let current: DiffLine[] = [];
  let quiet = Number.POSITIVE_INFINITY;
  for (const [index, line] of lines.entries()) {
    if (line.kind === "same") {
      quiet++;
      if (quiet <= CONTEXT) current.push(line);
      continue;
    }
    const from = Math.max(index - CONTEXT, 0);
    if (quiet > 2 * CONTEXT || current.length === 0) {
      if (current.length > 0) hunks.push(current);
      current = lines.slice(from, index);
    } else if (quiet > CONTEXT) {
      current.push(...lines.slice(index - (quiet - CONTEXT), index));
    }
    quiet = 0;
    current.push(line);
  }
  if (current.length > 0) hunks.push(current);
  return hunks;
}

/** @see https://www.gnu.org/software/diffutils/manual/html_node/Detailed-Unified.html */
function headOf(hunk: readonly DiffLine[]): string {
  const range = (side: "before" | "after", without: DiffLine["kind"]): string => {
    const lines = hunk.filter(({ kind }) => kind !== without);
    const first = hunk[0]?.[side] ?? 0;
    if (lines.length === 0) return `${first},0`;
    return lines.length === 1 ? `${first + 1}` : `${first + 1},${lines.length}`;
  };
  return `@@ -${range("before", "added")} +${range("after", "removed")} @@`;
}
