import type { Digest } from "../../oci/digest.ts";
import type { TagTarget } from "./tag-source.ts";

/** @returns for each digest the names of the tags that point to it, in their order */
export function namesByDigest(tags: readonly TagTarget[]): Map<Digest, string[]> {
  const names = new Map<Digest, string[]>();
  for (const { name, digest } of tags) {
    if (digest === undefined) continue;
    const others = names.get(digest);
    if (others) others.push(name);
    else names.set(digest, [name]);
  }
  return names;
}
