import { isObject } from "../lib/is-object.ts";

/** @returns the fields of an object of JSON; undefined for anything else, lists included */
export function asRecord(json: unknown): Record<string, unknown> | undefined {
  return isObject(json) ? json : undefined;
}

/** Tells whether a value is text. */
export function isText(value: unknown): value is string {
  return typeof value === "string";
}

/** Tells whether a value is a time that `Date` understands. */
export function isTime(value: unknown): value is string {
  return isText(value) && !Number.isNaN(Date.parse(value));
}

/** @returns the fields of `names` that are text */
export function textsOf<Name extends string>(
  fields: Readonly<Record<string, unknown>>,
  names: readonly Name[],
): { [name in Name]?: string } {
  const found: { [name in Name]?: string } = {};
  for (const name of names) {
    const value = fields[name];
    if (isText(value)) found[name] = value;
  }
  return found;
}
