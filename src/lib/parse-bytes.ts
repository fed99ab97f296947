const UNITS = "kmgtp";

/**
 * Reads an amount of bytes as people write it: `500GB`, `1.5 TiB`, `10G`, `4096`. Units without an i count by 1000, those
 * with one by 1024, in whatever case.
 *
 * @returns whole bytes, rounded up; undefined if it is no amount, or more than a number can hold exactly
 */
export function parseBytes(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*(?:([kmgtp])(i?))?b?$/i.exec(text.trim());
  if (!match) return undefined;
  const [, number = "", unit = "", binary = ""] = match;
  const power = unit === "" ? 0 : UNITS.indexOf(unit.toLowerCase()) + 1;
  const bytes = Math.ceil(Number(number) * (binary === "" ? 1000 : 1024) ** power);
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}
