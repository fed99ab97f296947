import { type Document, isAlias, isMap, isScalar, isSeq } from "yaml";
import { isYamlNull } from "../yaml-scalars.ts";

/** More levels than any configuration has; an anchor may hold an alias of itself. */
const MAX_DEPTH = 64;

/**
 * Writes a value that stands elsewhere on one line, with the same meaning. Scalars stay as they are written where one line
 * can hold them.
 *
 * @param text - the document's
 * @throws {RangeError} if it holds itself
 */
export function flowText(node: unknown, document: Document, text: string, depth = 0): string {
  if (depth > MAX_DEPTH) throw new RangeError("the value holds itself");
  const inner = (each: unknown): string => flowText(each, document, text, depth + 1);
  if (isAlias(node)) return inner(node.resolve(document));
  if (isSeq(node)) return `[${node.items.map(inner).join(", ")}]`;
  if (isMap(node))
    return `{${node.items.map(({ key, value }) => `${inner(key)}: ${inner(value)}`).join(", ")}}`;
  if (!isScalar(node) || node.value === null) return "null";
  const written = node.range ? text.slice(node.range[0], node.range[1]) : "";
  const value = String(node.value);
  if (node.type === "PLAIN") {
    if (isYamlNull(value)) return "null";
    return value === written && !/[,[\]{}]/.test(value) ? written : JSON.stringify(value);
  }
  const isOneLine = (node.type === "QUOTE_DOUBLE" || node.type === "QUOTE_SINGLE") && !written.includes("\n");
  return isOneLine ? written : JSON.stringify(value);
}
