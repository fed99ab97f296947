import type { ConfigNode, MapNode } from "./config-tree.ts";
import type { Key } from "./schema/key-types.ts";
import { ROOT_KEYS } from "./schema/root-keys.ts";

/**
 * What the Go registry makes of a key that stands in a file twice: where it keeps a section as a struct, the second
 * one goes over the first, key by key; everywhere else the last one alone counts.
 *
 * @param path - dotted path of the key
 */
export function combineTwice(path: string, first: ConfigNode, second: ConfigNode): ConfigNode {
  return combine(keyAt(path), first, second);
}

function combine(key: Key | undefined, first: ConfigNode, second: ConfigNode): ConfigNode {
  const isStruct = key?.type === "section" && !key.open;
  if (!isStruct || first.kind !== "map" || second.kind !== "map") return second;
  const combined: MapNode = { ...second, entries: new Map(first.entries) };
  for (const [name, entry] of second.entries) {
    const earlier = first.entries.get(name);
    const value =
      earlier === undefined ? entry.value : combine(key.keys.get(name), earlier.value, entry.value);
    combined.entries.set(name, { ...entry, value });
  }
  return combined;
}

function keyAt(path: string): Key | undefined {
  let key: Key | undefined = ROOT_KEYS;
  for (const segment of path.split(".")) {
    if (key?.type === "list" && /^\d+$/.test(segment)) key = key.items;
    else key = key?.type === "section" ? key.keys.get(segment) : undefined;
  }
  return key;
}
