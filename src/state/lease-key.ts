import type { LeasePrefix } from "./lease-table.ts";

/**
 * Makes 64 bits from a key, the same in every process and version, since they are kept in files: the first 16 hex
 * digits of a digest; for `repository@digest` these mixed with a hash of the repository's name (FNV-1a with two
 * offsets), so that a lease of one repository's link says nothing of another's.
 */
export function leasePrefix(key: string): LeasePrefix {
  const at = key.indexOf("@");
  const hexAt = key.indexOf(":", at + 1) + 1;
  let high = Number.parseInt(key.slice(hexAt, hexAt + 8), 16) >>> 0;
  let low = Number.parseInt(key.slice(hexAt + 8, hexAt + 16), 16) >>> 0;
  if (at > 0) {
    high = (high ^ hashText(key, at, 0x811c9dc5)) >>> 0;
    low = (low ^ hashText(key, at, 0x9747b28c)) >>> 0;
  }
  return { high, low };
}

/** @see http://www.isthe.com/chongo/tech/comp/fnv/ */
function hashText(text: string, end: number, offsetBasis: number): number {
  let hash = offsetBasis;
  for (let index = 0; index < end; index++) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  }
  return hash >>> 0;
}
