import { closest } from "fastest-levenshtein";
import { UsageError } from "../errors.ts";
import type { Key } from "./schema/key-types.ts";
import { ROOT_KEYS } from "./schema/root-keys.ts";

/** @returns the dotted paths of all keys that must be honoured and are not implemented */
export function mustHonourKeys(): string[] {
  return [...pathsThatMust(ROOT_KEYS, "")];
}

function* pathsThatMust(key: Key, path: string): Iterable<string> {
  if (key.status === "must-honour") yield path;
  if (key.type !== "section") return;
  for (const [name, child] of key.keys) yield* pathsThatMust(child, path === "" ? name : `${path}.${name}`);
}

/** @returns whether `allowed` is `key` or a section around it */
export function isAllowed(key: string, allowed: readonly string[]): boolean {
  return allowed.some((each) => key === each || key.startsWith(`${each}.`));
}

/** @throws {UsageError} if one of `allowed` is neither a key that can be refused nor a section with such keys */
export function checkAllowed(allowed: readonly string[]): void {
  const keys = mustHonourKeys();
  for (const each of allowed) {
    if (keys.some((key) => isAllowed(key, [each]))) continue;
    throw new UsageError(`--allow-unimplemented ${each}: no such key is refused`, {
      hint: `Did you mean ${closest(each, keys)}?`,
    });
  }
}
