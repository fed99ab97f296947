const FIRST_SURROGATE = 0xd800;
const LAST_SURROGATE = 0xdfff;
const HIGH_UNIT = /[\ud800-\uffff]/;

/**
 * Compares two keys by their UTF-8 bytes, which is not the order of JavaScript's `<` for characters outside the
 * Basic Multilingual Plane.
 *
 * @returns negative, 0 or positive, as a sort function does
 */
export function compareKeys(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let at = 0; at < length; at++) {
    const left = a.charCodeAt(at);
    const right = b.charCodeAt(at);
    if (left !== right) return rank(left) - rank(right);
  }
  return a.length - b.length;
}

/** Surrogates stand for characters above U+FFFF, so they sort behind every other code unit. */
function rank(unit: number): number {
  return unit >= FIRST_SURROGATE && unit <= LAST_SURROGATE ? unit + 0x10000 : unit;
}

/** Sorts keys in place by their bytes. A folder's key is its name plus `/`. */
export function sortKeys(keys: string[]): string[] {
  // The built-in order is several times as fast, and the same as long as no key has a high code unit.
  return keys.some((key) => HIGH_UNIT.test(key)) ? keys.sort(compareKeys) : keys.sort();
}

/** The key that a child of a folder sorts by. */
export function sortKey(name: string, isFolder: boolean): string {
  return isFolder ? `${name}/` : name;
}

/** The path of a child of a folder, `/` included as a folder. */
export function childPath(folder: string, name: string): string {
  return folder === "/" ? `/${name}` : `${folder}/${name}`;
}
