import { formatGoDuration } from "./go-duration.ts";
import type { ConfigValue, Key } from "./schema/key-types.ts";

/** What stands in place of a secret. */
export const MASK = "***";

/** Names that secrets go by where the schema leaves names to the operator: options, headers, fields, unknown keys. */
const SECRET_NAME =
  /passw|passphrase|secret|token|(?:access|account|api|license|private)[_-]?key|credential|authorization|cookie|dsn/i;

/** User and password in a URL. */
const USER_INFO = /(\b[a-z][a-z0-9+.-]*:\/\/)[^/?#\s]*@/gi;

/** Parameters of a URL. */
const QUERY_PARAMETER = /([?&])([^=&#\s]+)=([^&#\s]*)/g;

/**
 * Makes a value fit to be shown: secrets are masked, durations are written as Go writes them.
 *
 * @param key - undefined where the schema knows none
 * @param name - the value's own name, by which a secret is known where the schema does not say
 */
export function showValue(key: Key | undefined, name: string, value: ConfigValue): ConfigValue {
  const isSecret = key === undefined ? SECRET_NAME.test(name) : key.secret;
  if (isSecret) return value === "" || value === null ? value : MASK;
  if (key?.type === "duration" && typeof value === "number") return formatGoDuration(value);
  if (typeof value === "string") return showText(value);
  if (Array.isArray(value)) {
    const items = key?.type === "list" ? key.items : undefined;
    return value.map((item) => showValue(items, key === undefined ? name : "", item));
  }
  if (value === null || typeof value !== "object") return value;
  const entries = Object.entries(value).map(([each, part]): [string, ConfigValue] => {
    if (key?.type === "section") return [each, showValue(key.keys.get(each), each, part)];
    if (key?.type === "map" && key.values !== undefined && !SECRET_NAME.test(each)) {
      return [each, showValue(key.values, each, part)];
    }
    return [each, showValue(undefined, each, part)];
  });
  return Object.fromEntries(entries);
}

function showText(text: string): string {
  return text
    .replace(USER_INFO, `$1${MASK}@`)
    .replace(QUERY_PARAMETER, (whole, before: string, name: string) =>
      SECRET_NAME.test(name) ? `${before}${name}=${MASK}` : whole,
    );
}
