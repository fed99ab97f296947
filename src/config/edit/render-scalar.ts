import { type Scalar, stringify } from "yaml";

/**
 * Writes a single value so that YAML 1.1, as Go reads it, and YAML 1.2 take it for the same.
 *
 * @param style - where it may stand: `block` behind a key of its own line, `flow` within braces, `json` there with all
 *   texts in quotes
 * @param old - what stands there now, whose quotes are kept
 */
export function renderScalar(
  value: string | number | boolean,
  style: "block" | "flow" | "json",
  old?: Scalar,
): string {
  if (typeof value !== "string") return String(value);
  if (old?.type === "QUOTE_SINGLE" && !/[\p{Cc}]/u.test(value)) return `'${value.replaceAll("'", "''")}'`;
  if (old?.type === "QUOTE_DOUBLE" || style === "json") return JSON.stringify(value);
  if (style === "flow" && /[,[\]{}]/.test(value)) return JSON.stringify(value);
  const text = stringify(value, { version: "1.1", lineWidth: 0 }).trimEnd();
  return text.includes("\n") ? JSON.stringify(value) : text;
}
