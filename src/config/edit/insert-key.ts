import { type Document, isMap, isPair, isScalar, isSeq, type YAMLMap } from "yaml";
import type { ConfigPair, Located } from "./locate.ts";
import { renderScalar } from "./render-scalar.ts";
import type { Span } from "./splice.ts";

/** A key that a mapping is to get: with keys below it, or with a value that is written already. */
export type NewEntry =
  | { name: string; rest: readonly string[]; scalar: string | number | boolean }
  | { name: string; value: string };

/** Spaces by which a section stands further to the right than its key, where a file shows no other habit. */
const DEFAULT_STEP = 2;

/** Adds a key behind the last one of a mapping, in the way in which the mapping is written. */
export function addToMap(text: string, document: Document, map: YAMLMap, entry: NewEntry): Span {
  return map.flow === true ? addToFlow(text, map, entry) : addToBlock(text, document, map, entry);
}

/** Gives a key that has no value one, below it in a block and behind it within braces. */
export function addToEmpty(
  text: string,
  document: Document,
  { pair, map, rest }: Extract<Located, { kind: "empty" }>,
  scalar: string | number | boolean,
): Span {
  const colon = colonEnd(pair);
  const column = map.flow === true ? undefined : columnOf(text, pair);
  if (rest.length === 0 || column === undefined) {
    const isJson = map.flow === true && isJsonStyle(text, map);
    const value = flowSection(rest, scalar, map.flow === true ? (isJson ? "json" : "flow") : "block");
    return { from: colon, to: colon, text: ` ${value}` };
  }
  const step = stepOf(text, document);
  const lines = blockSection(rest, scalar, step).map((line) => " ".repeat(column + step) + line);
  return afterLine(text, colon, lines);
}

/** @returns keys below each other, each further to the right, the first one without indentation */
export function blockSection(
  path: readonly string[],
  scalar: string | number | boolean,
  step: number,
): string[] {
  return path.map((name, depth) => {
    const value = depth === path.length - 1 ? ` ${renderScalar(scalar, "block")}` : "";
    return `${" ".repeat(step * depth)}${renderScalar(name, "block")}:${value}`;
  });
}

/** @returns how far from the left the key of a pair stands; undefined if it has no place */
export function columnOf(text: string, { key }: ConfigPair): number | undefined {
  const start = isScalar(key) ? key.range?.[0] : undefined;
  if (start === undefined) return undefined;
  const lineStart = text.lastIndexOf("\n", start - 1) + 1;
  return start - (text.charCodeAt(lineStart) === 0xfeff ? lineStart + 1 : lineStart);
}

/** @returns by how many spaces the file's sections are indented */
export function stepOf(text: string, document: Document): number {
  const root = document.contents;
  if (!isMap(root)) return DEFAULT_STEP;
  for (const pair of root.items) {
    const { value } = pair;
    const [first] = isMap(value) && value.flow !== true ? value.items : [];
    const column = first && columnOf(text, first);
    if (column !== undefined && column > 0) return column - (columnOf(text, pair) ?? 0);
  }
  return DEFAULT_STEP;
}

function addToBlock(text: string, document: Document, map: YAMLMap, entry: NewEntry): Span {
  const [first] = map.items;
  const last = map.items.at(-1);
  const column = (first && columnOf(text, first)) ?? 0;
  const lines =
    "value" in entry
      ? [`${renderScalar(entry.name, "block")}: ${entry.value}`]
      : blockSection([entry.name, ...entry.rest], entry.scalar, stepOf(text, document));
  const end = last === undefined ? (map.range?.[1] ?? text.length) : endOfPair(last);
  return afterLine(
    text,
    end,
    lines.map((line) => " ".repeat(column) + line),
  );
}

/** Puts whole lines behind the one that `position` is in or has ended. */
function afterLine(text: string, position: number, lines: readonly string[]): Span {
  const newline = text.includes("\r\n") ? "\r\n" : "\n";
  const isAtStart = position > 0 && text[position - 1] === "\n";
  const lineEnd = isAtStart ? position - 1 : text.indexOf("\n", position);
  if (lineEnd < 0) {
    const added = lines.map((line) => newline + line).join("");
    return { from: text.length, to: text.length, text: added };
  }
  return { from: lineEnd + 1, to: lineEnd + 1, text: lines.map((line) => line + newline).join("") };
}

function addToFlow(text: string, map: YAMLMap, entry: NewEntry): Span {
  const style = isJsonStyle(text, map) ? "json" : "flow";
  const [start = 0] = map.range ?? [];
  const last = map.items.at(-1);
  const isSpaced = style === "flow" || /":\s/.test(text.slice(start, map.range?.[1]));
  const value = "value" in entry ? entry.value : flowSection(entry.rest, entry.scalar, style, isSpaced);
  const added = `${renderScalar(entry.name, style)}:${isSpaced ? " " : ""}${value}`;
  if (last === undefined) return { from: start + 1, to: start + 1, text: added };
  const end = endOfPair(last);
  const keyStart = isScalar(last.key) ? (last.key.range?.[0] ?? end) : end;
  // A mapping that has a line for each key gets one more.
  const indent = /\r?\n[ \t]*$/.exec(text.slice(0, keyStart))?.[0];
  return { from: end, to: end, text: `,${indent ?? (isSpaced ? " " : "")}${added}` };
}

/** @returns keys within each other on one line; the value alone without keys */
export function flowSection(
  path: readonly string[],
  scalar: string | number | boolean,
  style: "block" | "flow" | "json",
  isSpaced = style !== "json",
): string {
  const colon = isSpaced ? ": " : ":";
  return path.reduceRight(
    (inner, name) => `{${renderScalar(name, style)}${colon}${inner}}`,
    renderScalar(scalar, style),
  );
}

/** Its keys stand in double quotes, or those of the braces around it if it has none. */
export function isJsonStyle(text: string, map: YAMLMap): boolean {
  const [first] = map.items;
  if (first !== undefined) return isScalar(first.key) && first.key.type === "QUOTE_DOUBLE";
  const start = map.range?.[0] ?? 0;
  return /"\s*:\s*$/.test(text.slice(0, start));
}

/** The end of the last thing in a pair: of its value, of what the value ends with, or of the colon. */
export function endOfPair(pair: ConfigPair): number {
  return Math.max(endOf(pair.value), colonEnd(pair));
}

function colonEnd({ key, srcToken }: ConfigPair): number {
  const colon = srcToken?.sep?.find(({ type }) => type === "map-value-ind")?.offset;
  return colon === undefined ? rangeEnd(key) : colon + 1;
}

function endOf(node: unknown): number {
  if ((isMap(node) || isSeq(node)) && node.flow !== true) {
    const last: unknown = node.items.at(-1);
    if (isPair(last)) return endOfPair(last);
    if (last !== undefined) return endOf(last);
  }
  return rangeEnd(node);
}

function rangeEnd(node: unknown): number {
  if (typeof node !== "object" || node === null || !("range" in node)) return 0;
  const { range } = node;
  return Array.isArray(range) && typeof range[1] === "number" ? range[1] : 0;
}
