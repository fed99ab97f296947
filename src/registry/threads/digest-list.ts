/** Bytes of a sha256. */
export const SHA256_BYTES = 32;

const HEX_DIGITS = 2 * SHA256_BYTES;

/**
 * @param names - names of folders
 * @returns the sha256 digests that these are, one behind the other; undefined if one of them is none
 */
export function packNames(names: readonly string[]): Uint8Array | undefined {
  if (names.some((name) => name.length !== HEX_DIGITS)) return undefined;
  const hex = names.join("");
  const packed = Buffer.from(hex, "hex");
  // Ends at the first character that is no digit, and takes capitals.
  return packed.toString("hex") === hex ? packed : undefined;
}

/** @returns the hexadecimal digits of the digest at an index of a packed list */
export function hexAt(packed: Uint8Array, index: number): string {
  const at = index * SHA256_BYTES;
  return Buffer.from(packed.buffer, packed.byteOffset + at, SHA256_BYTES).toString("hex");
}

/** The text of a link to a sha256: nothing else is in the file. */
const LINK_TEXT = /^sha256:([0-9a-f]{64})$/;

/** @returns the hexadecimal digits of the digest that a link says; undefined if it is not exactly a sha256 */
export function linkedHex(content: Uint8Array): string | undefined {
  if (content.length !== "sha256:".length + HEX_DIGITS) return undefined;
  return LINK_TEXT.exec(
    Buffer.from(content.buffer, content.byteOffset, content.length).toString("latin1"),
  )?.[1];
}
