import type { Digest } from "../oci/digest.ts";
import { classifyPath } from "../registry/paths.ts";
import type { PinKey } from "./coordination/coordination.ts";

/**
 * @param digest - left out: that there is no such tag
 * @returns the key of a tag's pointing to something: refused where the store may still replace that by something older
 */
export function tagStateKey(tag: PinKey, digest = ""): PinKey {
  return `${tag}=${digest}`;
}

/** @returns the keys that whoever removes a tag must have for itself */
export function tagRemovalKeys(name: string, tag: string): PinKey[] {
  const key = tagKey(name, tag);
  return [key, tagStateKey(key)];
}

/** @returns the key by which whoever points a tag keeps others from removing it meanwhile */
export function tagKey(name: string, tag: string): PinKey {
  return `${name}:${tag}`;
}

/** @returns the keys of an object in a repository: its bytes, and the repository's link to them */
export function objectKeys(name: string, digest: Digest): PinKey[] {
  return [digest, `${name}@${digest}`];
}

/**
 * @returns the key by which others are kept from a file, as far as it decides what can be pulled; undefined for a tag's
 *   history and the like
 */
export function keyOfFile(path: string): PinKey | undefined {
  const entry = classifyPath(path);
  switch (entry.kind) {
    case "blob":
      return entry.digest;
    case "layerLink":
    case "revisionLink":
      return `${entry.repository}@${entry.digest}`;
    case "tagLink":
      return tagKey(entry.repository, entry.tag);
    default:
      return undefined;
  }
}
