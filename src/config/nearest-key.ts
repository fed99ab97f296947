import { distance } from "fastest-levenshtein";
import type { Key, SectionKey } from "./schema/key-types.ts";
import { ROOT_KEYS } from "./schema/root-keys.ts";

/**
 * Finds what somebody meant by a key that does not exist: the nearest one beside it, else one with exactly this name
 * in another section.
 *
 * @param section - where the key was looked for
 * @param path - the section's own path, empty for the top
 * @returns the whole dotted path; undefined if nothing is near
 */
export function nearestKey(section: SectionKey, path: string, name: string): string | undefined {
  const best = nearestName(section.keys.keys(), name);
  if (best !== undefined) return path === "" ? best : `${path}.${best}`;
  const ending = `.${name.toLowerCase()}`;
  return [...pathsOf(ROOT_KEYS, "")].find((candidate) => candidate.endsWith(ending));
}

/** @returns which of the names somebody meant who wrote another one; undefined if none is near */
export function nearestName(names: Iterable<string>, name: string): string | undefined {
  const lower = name.toLowerCase();
  const limit = Math.max(1, Math.floor(lower.length / 3));
  let best: { name: string; distance: number } | undefined;
  for (const each of names) {
    const found = isPartOf(lower, each) ? 1 : distance(lower, each);
    if (found <= limit && (best === undefined || found < best.distance))
      best = { name: each, distance: found };
  }
  return best?.name;
}

/** The key begins with what was written, or the other way round: `enable`, `rootdir`, `redirects`. */
function isPartOf(name: string, key: string): boolean {
  const [long, short] = name.length > key.length ? [name, key] : [key, name];
  const most = long === key ? key.length / 2 : 2;
  return short.length >= 3 && long.startsWith(short) && long.length - short.length <= most;
}

function* pathsOf(key: Key, path: string): Iterable<string> {
  if (path !== "") yield path;
  if (key.type !== "section") return;
  for (const [name, child] of key.keys) yield* pathsOf(child, path === "" ? name : `${path}.${name}`);
}
