import { MASK, maskText, namesSecret } from "../lib/mask-secrets.ts";
import { formatGoDuration } from "./go-duration.ts";
import type { ConfigValue, Key } from "./schema/key-types.ts";

/**
 * Makes a value fit to be shown: secrets are masked, durations are written as Go writes them.
 *
 * @param key - undefined where the schema knows none
 * @param name - the value's own name, by which a secret is known where the schema does not say
 */
export function showValue(key: Key | undefined, name: string, value: ConfigValue): ConfigValue {
  const isSecret = key === undefined ? namesSecret(name) : key.secret;
  if (isSecret) return value === "" || value === null ? value : MASK;
  if (key?.type === "duration" && typeof value === "number") return formatGoDuration(value);
  if (typeof value === "string") return maskText(value);
  if (Array.isArray(value)) {
    const items = key?.type === "list" ? key.items : undefined;
    return value.map((item) => showValue(items, key === undefined ? name : "", item));
  }
  if (value === null || typeof value !== "object") return value;
  const entries = Object.entries(value).map(([each, part]): [string, ConfigValue] => {
    if (key?.type === "section") return [each, showValue(key.keys.get(each), each, part)];
    if (key?.type === "map" && key.values !== undefined && !namesSecret(each)) {
      return [each, showValue(key.values, each, part)];
    }
    return [each, showValue(undefined, each, part)];
  });
  return Object.fromEntries(entries);
}
