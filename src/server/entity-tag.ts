/** @returns the ETag of an immutable object: its digest, quoted */
export function entityTag(digest: string): string {
  return `"${digest}"`;
}

/**
 * Tells whether If-None-Match names this version, so that 304 is the answer. The digest without quotes is taken too,
 * as the Go registry does.
 */
export function noneMatchNames(header: string | undefined, digest: string): boolean {
  if (header === undefined) return false;
  return header.split(",").some((part) => {
    const tag = part.trim().replace(/^W\//, "");
    return tag === "*" || tag === digest || tag === `"${digest}"`;
  });
}
