import {
  type Alias,
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  type Node,
  type Pair,
  type Scalar,
  visit,
  type YAMLMap,
} from "yaml";
import { isYamlNull } from "../yaml-scalars.ts";

/** A key with its value, as they stand in a mapping; the source tokens say where the colon is. */
export type ConfigPair = YAMLMap["items"][number];

/** How far a path of keys leads in a document, and what is in the way. */
export type Located =
  /** The value itself. `pair` is undefined for an item of a list. */
  | { kind: "value"; node: Node; pair: ConfigPair | undefined; inFlow: boolean }
  /** A key without a value, and the keys that are missing below it. */
  | { kind: "empty"; pair: ConfigPair; map: YAMLMap; rest: readonly string[] }
  /** A mapping that lacks the first key of `rest`. */
  | { kind: "missing"; map: YAMLMap; rest: readonly string[] }
  /** An alias stands for the value or for a section above it. */
  | { kind: "alias"; node: Alias }
  /** A section above the value, or itself, has an anchor that others use. */
  | { kind: "shared"; node: Node; users: Alias[] }
  /** The key comes from a merge (`<<`) in this mapping. */
  | { kind: "merged"; map: YAMLMap; name: string; node: Node }
  /** A single value where a section should be. */
  | { kind: "scalar"; node: Scalar; pair: ConfigPair | undefined; inFlow: boolean; rest: readonly string[] }
  /** An item that a list does not have, or a value that is not there at all. */
  | { kind: "nothing" };

/** Follows a path of keys from the top of a document. Of a key that stands there twice the last one counts. */
export function locate(document: Document, path: readonly string[]): Located {
  let node: unknown = document.contents;
  let pair: ConfigPair | undefined;
  let inFlow = false;
  for (const [index, name] of [...path, undefined].entries()) {
    if (isAlias(node)) return { kind: "alias", node };
    if (!isMap(node) && !isSeq(node) && !isScalar(node)) return { kind: "nothing" };
    const users = usersOf(document, node);
    if (users.length > 0) return { kind: "shared", node, users };
    if (name === undefined) return { kind: "value", node, pair, inFlow };
    if (isScalar(node)) return { kind: "scalar", node, pair, inFlow, rest: path.slice(index) };
    inFlow ||= node.flow === true;
    if (isSeq(node)) {
      pair = undefined;
      node = node.items[Number(name)];
      continue;
    }
    const map: YAMLMap = node;
    const found = map.items.findLast(({ key }) => textOf(key) === name);
    if (found === undefined) {
      const merged = inMerges(document, map, name);
      if (merged !== undefined) return { kind: "merged", map, name, node: merged };
      return { kind: "missing", map, rest: path.slice(index) };
    }
    if (isEmpty(found)) return { kind: "empty", pair: found, map, rest: path.slice(index + 1) };
    pair = found;
    node = found.value;
  }
  return { kind: "nothing" };
}

/** @returns the text of a key, undefined if it is none */
export function textOf(key: unknown): string | undefined {
  if (!isScalar(key)) return undefined;
  return key.value === null ? "" : String(key.value);
}

/** Nothing stands behind the colon; `~` and `null` are values that can be replaced like any other. */
function isEmpty({ value }: Pair): boolean {
  if (value === null || value === undefined) return true;
  return isScalar(value) && value.range?.[0] === value.range?.[1] && isYamlNull(String(value.value ?? ""));
}

function usersOf(document: Document, node: Node): Alias[] {
  const anchor = "anchor" in node ? node.anchor : undefined;
  if (typeof anchor !== "string") return [];
  const users: Alias[] = [];
  visit(document, {
    Alias(_key, alias) {
      if (alias.source === anchor && alias.resolve(document) === node) users.push(alias);
    },
  });
  return users;
}

function inMerges(document: Document, map: YAMLMap, name: string): Node | undefined {
  for (const { key, value } of map.items) {
    if (textOf(key) !== "<<") continue;
    const sources = isSeq(value) ? value.items : [value];
    for (const source of sources) {
      const target = isAlias(source) ? source.resolve(document) : source;
      if (!isMap(target)) continue;
      const found = target.items.findLast((item) => textOf(item.key) === name)?.value;
      if (isAlias(found) || isMap(found) || isSeq(found) || isScalar(found)) return found;
      const deeper = inMerges(document, target, name);
      if (deeper !== undefined) return deeper;
    }
  }
  return undefined;
}
