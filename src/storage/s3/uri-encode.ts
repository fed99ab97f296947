/** @returns text as S3 wants it in queries and signatures: all but letters, digits and `-_.~` escaped */
export function uriEncode(text: string): string {
  return PLAIN.test(text) ? text : encodeURIComponent(text).replace(/[!'()*]/g, escapeByte);
}

/** As {@link uriEncode}, but slashes stay. */
export function uriEncodeKey(key: string): string {
  return PLAIN_KEY.test(key) ? key : key.split("/").map(uriEncode).join("/");
}

const PLAIN = /^[\w.~-]*$/;
const PLAIN_KEY = /^[\w.~/-]*$/;

function escapeByte(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase()}`;
}
