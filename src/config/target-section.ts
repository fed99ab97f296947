import type { ConfigNode, MapNode } from "./config-tree.ts";
import { nodeAt } from "./config-tree.ts";
import { renderScalar } from "./edit/render-scalar.ts";
import { parseYaml } from "./parse-yaml.ts";

/** One driver's section under `storage`, as it stands in some file or is to stand in one. */
export interface DriverSection {
  /** Its name under `storage`: `s3`. */
  driver: string;
  keys: ReadonlyMap<string, ConfigNode>;
}

/** @returns the text of `storage:` with that driver alone, secrets included */
export function renderSection({ driver, keys }: DriverSection): string {
  const lines = [...keys].map(([name, node]) => `    ${renderScalar(name, "block")}: ${blockValue(node)}\n`);
  if (lines.length === 0) return `storage:\n  ${driver}: {}\n`;
  return `storage:\n  ${driver}:\n${lines.join("")}`;
}

/** @returns the section on one line between braces, as JSON */
export function sectionAsJson({ keys }: DriverSection): string {
  return `{${[...keys].map(([name, node]) => `${JSON.stringify(name)}:${jsonValue(node)}`).join(",")}}`;
}

/**
 * @param text - what {@link renderSection} has given
 * @throws {Error} if it is anything else
 */
export function parseSection(text: string): DriverSection {
  const { root } = parseYaml(text, { kind: "file", file: "section" });
  const storage = nodeAt(root, ["storage"]);
  const [entry] = storage?.kind === "map" ? [...storage.entries] : [];
  if (entry === undefined) throw new Error("the text is no storage section");
  const [driver, { value }] = entry;
  return { driver, keys: entriesOf(value) };
}

/** @returns the keys of a section with their values; none for anything else */
export function entriesOf(node: ConfigNode | undefined): Map<string, ConfigNode> {
  if (node?.kind !== "map") return new Map();
  return new Map([...node.entries].map(([name, { value }]) => [name, value]));
}

/** @returns the mapping that the keys stand for */
export function mapOf(keys: ReadonlyMap<string, ConfigNode>, origin: MapNode["origin"]): MapNode {
  const entries: MapNode["entries"] = new Map();
  for (const [name, value] of keys) entries.set(name, { origin: value.origin, value });
  return { kind: "map", entries, origin };
}

/** What was written without quotes stays so: whether it is a number is for its reader to say. */
function blockValue(node: ConfigNode): string {
  if (node.kind !== "scalar") return jsonValue(node);
  if (node.text === undefined) return "null";
  return node.quoted ? renderScalar(node.text, "block") : plainOrQuoted(node.text);
}

function plainOrQuoted(text: string): string {
  return /^[\w.+/:@=-]+$/.test(text) && !text.endsWith(":") ? text : JSON.stringify(text);
}

function jsonValue(node: ConfigNode): string {
  switch (node.kind) {
    case "list":
      return `[${node.items.map(jsonValue).join(",")}]`;
    case "map":
      return `{${[...node.entries].map(([name, { value }]) => `${JSON.stringify(name)}:${jsonValue(value)}`).join(",")}}`;
    case "scalar": {
      if (node.text === undefined) return "null";
      const isPlain = !node.quoted && /^(true|false|0|-?[1-9]\d*)$/.test(node.text);
      return isPlain ? node.text : JSON.stringify(node.text);
    }
  }
}
