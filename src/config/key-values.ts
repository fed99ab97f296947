import { createHash } from "node:crypto";
import { MASK } from "../lib/mask-secrets.ts";
import { effectiveValues, writtenValues } from "./effective-values.ts";
import type { ReadConfig } from "./read-config.ts";
import type { ConfigValue } from "./schema/key-types.ts";

/** A key of a configuration with its value, fit to be shown and to be compared. */
export interface KeyValue {
  /** With dots. */
  key: string;
  /** Secrets masked. */
  shown: string;
  /** Equal for equal values only, of secrets too; says nothing of the value itself. */
  fingerprint: string;
}

/** @returns every key that counts, defaults included, in the order of the schema, then those that are only written */
export function keyValues(config: ReadConfig): KeyValue[] {
  const values = new Map<string, KeyValue>();
  for (const { key, value } of [...effectiveValues(config), ...writtenValues(config)]) {
    if (values.has(key)) continue;
    const shown = textOf(value);
    const compared = shown.includes(MASK) ? [shown, config.values.get(key)?.value] : value;
    values.set(key, { key, shown, fingerprint: fingerprintOf(compared) });
  }
  return [...values.values()];
}

function textOf(value: ConfigValue): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** @param value - of JSON; the order of the keys of its objects does not count */
export function fingerprintOf(value: unknown): string {
  return createHash("sha256").update(JSON.stringify(value, sortedKeys)).digest("hex");
}

function sortedKeys(_key: string, value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([left], [right]) => (left < right ? -1 : 1)));
}
