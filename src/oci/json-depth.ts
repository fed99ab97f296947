const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

/**
 * Counts how deeply objects and arrays are nested in JSON text, without parsing it, so that hostile input is refused
 * before any parser recurses into it. Text that is not JSON gives some number.
 *
 * @param limit - counting stops beyond this depth
 * @returns the greatest depth (0 for a bare value), or `limit + 1`
 */
export function jsonDepth(bytes: Uint8Array, limit: number): number {
  let depth = 0;
  let deepest = 0;
  let inString = false;
  for (let index = 0; index < bytes.length; index++) {
    const byte = bytes[index];
    if (inString) {
      if (byte === BACKSLASH) index++;
      else if (byte === QUOTE) inString = false;
    } else if (byte === QUOTE) {
      inString = true;
    } else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
      depth++;
      if (depth > deepest) deepest = depth;
      if (depth > limit) return limit + 1;
    } else if (depth > 0 && (byte === CLOSE_BRACE || byte === CLOSE_BRACKET)) {
      depth--;
    }
  }
  return deepest;
}

/**
 * Tells in a fraction of the time of {@link jsonDepth} that most text cannot be nested deeply: it has too few opening
 * brackets, wherever they stand.
 *
 * @returns false if the depth is certainly at most `limit`; true says nothing
 */
export function mayNestDeeper(text: string, limit: number): boolean {
  let brackets = 0;
  for (const bracket of ["{", "["]) {
    for (let at = text.indexOf(bracket); at !== -1; at = text.indexOf(bracket, at + 1)) {
      if (++brackets > limit) return true;
    }
  }
  return false;
}
