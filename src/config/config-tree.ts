import type { SourcePosition } from "../errors.ts";

/** Where a value comes from. */
export type Origin =
  | { kind: "file"; position: SourcePosition }
  | { kind: "environment"; variable: string }
  | { kind: "default" };

/**
 * A YAML value that no type has been given to yet: which one it has is for the schema to say, so that `on`, `0.1` or
 * `0123` stay the text that somebody wrote until it is known whether a boolean, a number or a string is wanted.
 */
export type ConfigNode = ScalarNode | MapNode | ListNode;

/** A scalar, or nothing (`null`, `~`, an empty value), which the Go registry takes for "not set". */
export interface ScalarNode {
  kind: "scalar";
  /** Undefined for nothing. */
  text: string | undefined;
  /** Written in quotes or as a block: a string in YAML, even where it reads like a number. */
  quoted: boolean;
  origin: Origin;
}

/** A mapping, in the order of the file. */
export interface MapNode {
  kind: "map";
  entries: Map<string, MapEntry>;
  origin: Origin;
}

/** One key of a {@link MapNode} with its value. */
export interface MapEntry {
  /** Where the key stands. */
  origin: Origin;
  value: ConfigNode;
}

/** A sequence. */
export interface ListNode {
  kind: "list";
  items: ConfigNode[];
  origin: Origin;
}

/** @returns an origin as people write it: `file:line:column`, `environment variable NAME` or `default` */
export function describeOrigin(origin: Origin): string {
  switch (origin.kind) {
    case "file":
      return `${origin.position.file}:${origin.position.line}:${origin.position.column}`;
    case "environment":
      return `environment variable ${origin.variable}`;
    case "default":
      return "default";
  }
}

/** @returns whether the node is nothing: `null`, `~` or an empty value */
export function isNothing(node: ConfigNode | undefined): boolean {
  return node === undefined || (node.kind === "scalar" && node.text === undefined);
}

/** @returns the node at a path of keys, or undefined where there is none */
export function nodeAt(root: ConfigNode | undefined, path: readonly string[]): ConfigNode | undefined {
  let node = root;
  for (const key of path) {
    if (node?.kind === "map") node = node.entries.get(key)?.value;
    else if (node?.kind === "list") node = node.items[Number(key)];
    else return undefined;
  }
  return node;
}
