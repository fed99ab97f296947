/** What stands in place of a secret. */
export const MASK = "***";

/** Names that secrets go by where nothing else says what is one: options, headers, fields of a log, parameters of a URL. */
const SECRET_NAME =
  /passw|passphrase|secret|token|(?:access|account|api|license|private)[_-]?key|credential|authorization|cookie|dsn|signature|^sig$|^_state$/i;

/*
 * Clients decide what is looked through with these, so that none may take more than linear time: no part of a match
 * may be as long as its text and hold another beginning of a match.
 */

/** User and password in a URL. */
const USER_INFO = /(\b[a-z][a-z0-9+.-]{0,30}:\/\/)[^/?#\s]*@/gi;

/** The same where the password has a `/`, `?` or `#` that should have been escaped; a port is no password. */
const ODD_USER_INFO =
  /(\b[a-z][a-z0-9+.-]{0,30}:\/\/)[^/?#\s@:]{0,200}:(?!\d{1,5}(?:[/?#\s]|$))[^\s@"'<>]{0,400}@/gi;

/** Parameters of a URL. */
const QUERY_PARAMETER = /([?&])([^=&?#\s]+)=([^&?#\s"'<>]*)/g;

/** What follows the scheme of an Authorization header; words of a sentence have neither digits nor capitals. */
const CREDENTIALS = /\b(Bearer|Basic)\s+(?=[a-z._~+/-]*[A-Z0-9=])[\w.~+/=-]{8,}/g;

/** A JSON Web Token: a header and a payload that are JSON, and a signature that may be empty. */
const WEB_TOKEN = /(?<![\w-])eyJ[\w-]{4,}\.[\w-]{4,}\.[\w-]*/g;

/** Deeper than any field of a log. */
const MAX_DEPTH = 8;

/** Tells whether what goes by a name is a secret. */
export function namesSecret(name: string): boolean {
  return SECRET_NAME.test(name);
}

/** @returns the text without what can be known for a secret by its form: in URLs, after `Bearer` and `Basic`, tokens */
export function maskText(text: string): string {
  return maskTokens(maskUrls(text));
}

/** @returns the text without tokens, and without what follows `Bearer` and `Basic` */
export function maskTokens(text: string): string {
  return text.replace(WEB_TOKEN, MASK).replace(CREDENTIALS, `$1 ${MASK}`);
}

/** @returns the text without users, passwords and secret parameters of the URLs and paths in it */
export function maskUrls(text: string): string {
  return text
    .replace(USER_INFO, `$1${MASK}@`)
    .replace(ODD_USER_INFO, `$1${MASK}@`)
    .replace(QUERY_PARAMETER, (whole, before: string, name: string) =>
      namesSecret(decoded(name)) ? `${before}${name}=${MASK}` : whole,
    );
}

/** A server reads `%5Fstate` as `_state`. */
function decoded(name: string): string {
  if (!name.includes("%")) return name;
  return name.replace(/%([0-7][0-9a-f])/gi, (_escape, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
}

/** @returns a JSON value fit for a log: texts masked by their form, and whole values by their name */
export function maskValue(name: string, value: unknown, depth = 0): unknown {
  if (value === undefined || value === null || value === "") return value;
  if (namesSecret(name)) return MASK;
  if (typeof value === "string") return maskText(value);
  if (value instanceof Error) return maskText(value.message);
  if (typeof value !== "object" || value instanceof Date) return value;
  if (depth >= MAX_DEPTH) return MASK;
  if (Array.isArray(value)) return value.map((item) => maskValue("", item, depth + 1));
  return Object.fromEntries(
    Object.entries(value).map(([key, part]) => [key, maskValue(key, part, depth + 1)]),
  );
}
