import { closest, distance } from "fastest-levenshtein";
import type { ScalarNode } from "./config-tree.ts";
import type { FindingKind } from "./finding.ts";
import { parseGoDuration } from "./go-duration.ts";
import type { BooleanKey, DurationKey, IntegerKey, NumberKey, TextKey } from "./schema/key-types.ts";
import { parseGoBoolean, parseYamlBoolean, parseYamlNumber } from "./yaml-scalars.ts";

/** Keys whose value is a single scalar. */
export type ScalarKey = BooleanKey | IntegerKey | NumberKey | DurationKey | TextKey;

/** What a scalar comes to: a value, and what is to be said about it (without the key's name). */
export interface ScalarReading {
  value?: string | number | boolean;
  remark?: { kind: FindingKind; message: string };
}

/**
 * Reads a scalar that is not nothing as its key wants it.
 *
 * @param looseStrings - the Go registry converts strings here
 */
export function readScalar(key: ScalarKey, node: ScalarNode, looseStrings: boolean): ScalarReading {
  const text = node.text ?? "";
  switch (key.type) {
    case "boolean":
      return readBoolean(key, text, node.quoted, looseStrings);
    case "integer":
    case "number":
      return readNumber(key, text, node.quoted, looseStrings);
    case "duration":
      return readDuration(key, text, node.quoted);
    case "text":
      return readText(key, text);
  }
}

function wrong(key: ScalarKey, text: string, expected: string): ScalarReading {
  const actual = key.secret ? "" : `, not ${JSON.stringify(text.slice(0, 80))}`;
  return { remark: { kind: "fatal", message: `must be ${expected}${actual}` } };
}

function quotes(value: boolean | number): ScalarReading {
  const message = `stands in quotes, with which the Go registry does not start: write ${value} without`;
  return { value, remark: { kind: "warning", message } };
}

function readBoolean(key: BooleanKey, text: string, quoted: boolean, loose: boolean): ScalarReading {
  if (key.otherWords?.includes(text)) return { value: text };
  const value = parseYamlBoolean(text) ?? (quoted || loose ? parseGoBoolean(text) : undefined);
  if (value === undefined) return wrong(key, text, ["true", "false", ...(key.otherWords ?? [])].join(" or "));
  if (!quoted || loose) return { value };
  if (key.quotedMeansFalse !== true) return quotes(value);
  if (!value) return { value };
  const message = "stands in quotes, which the Go registry and we take for false: write true without";
  return { value: false, remark: { kind: "warning", message } };
}

function readNumber(
  key: IntegerKey | NumberKey,
  text: string,
  quoted: boolean,
  loose: boolean,
): ScalarReading {
  const value = parseYamlNumber(text);
  const expected = key.type === "integer" ? "a whole number" : "a number";
  if (value === undefined) return wrong(key, text, expected);
  if (key.type === "number") return { value };
  const whole = Math.trunc(value);
  if (!Number.isSafeInteger(whole)) return wrong(key, text, expected);
  if (key.min !== undefined && whole < key.min) return wrong(key, text, `at least ${key.min}`);
  if (key.max !== undefined && whole > key.max) return wrong(key, text, `at most ${key.max}`);
  if (whole !== value) {
    const message = `must be a whole number: the Go registry and we make ${whole} of ${text}`;
    return { value: whole, remark: { kind: "warning", message } };
  }
  return quoted && !loose ? quotes(whole) : { value: whole };
}

function readDuration(key: DurationKey, text: string, quoted: boolean): ScalarReading {
  const value = parseGoDuration(text);
  if (value !== undefined) return { value };
  const bare = quoted ? undefined : parseYamlNumber(text);
  if (bare === undefined) return wrong(key, text, "a duration such as 30s or 1h30m");
  // -1 stands for "none" where it is allowed at all.
  if (bare <= 0) return { value: bare / 1e6 };
  const message = `is ${text} nanoseconds, as for the Go registry: write a unit, such as ${text}s or ${text}ms`;
  return { value: bare / 1e6, remark: { kind: "warning", message } };
}

function readText(key: TextKey, text: string): ScalarReading {
  if (key.words === undefined) return { value: text };
  const wanted = key.ignoreCase === true ? text.toLowerCase() : text;
  const found = key.words.find((word) => (key.ignoreCase === true ? word.toLowerCase() : word) === wanted);
  if (found !== undefined || text === "") return { value: found ?? "" };
  const words = key.words.filter((word) => word !== "");
  const reading = wrong(key, text, `one of ${words.join(", ")}`);
  const near = closest(wanted, words);
  if (distance(wanted, near) <= 2 && reading.remark) reading.remark.message += `; did you mean ${near}?`;
  // What is not used cannot do harm: the Go registry that knows the key may know more words for it, too.
  if (key.status === "pending" && reading.remark)
    return { value: text, remark: { ...reading.remark, kind: "problem" } };
  return reading;
}
