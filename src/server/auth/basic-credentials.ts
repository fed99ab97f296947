/** A name and a password, as bytes: clients do not say how they are encoded. */
export interface BasicCredentials {
  /** Each character is one byte. */
  name: string;
  password: Buffer;
}

const BASIC = /^basic +([A-Za-z0-9+/]+={0,2})$/i;

/**
 * Reads an `Authorization: Basic` header. The name ends at the first colon; a password may have more.
 *
 * @returns undefined if there is none, of another scheme, damaged, or with a NUL: bcrypt takes a password for the same as
 *   itself, a NUL and itself again, and programs that make such hashes end it at a NUL
 * @see https://www.rfc-editor.org/rfc/rfc7617
 */
export function parseBasicCredentials(header: string | undefined): BasicCredentials | undefined {
  const encoded = BASIC.exec(header ?? "")?.[1];
  if (encoded === undefined || encoded.length % 4 !== 0) return undefined;
  const bytes = Buffer.from(encoded, "base64");
  const colon = bytes.indexOf(":");
  if (colon < 0 || bytes.includes(0)) return undefined;
  return { name: bytes.toString("latin1", 0, colon), password: bytes.subarray(colon + 1) };
}
