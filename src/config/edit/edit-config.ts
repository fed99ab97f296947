import { isDeepStrictEqual } from "node:util";
import { ConfigError } from "../../errors.ts";
import { type ConfigNode, nodeAt } from "../config-tree.ts";
import { parseYaml } from "../parse-yaml.ts";
import { plainValue } from "../plain-value.ts";
import type { ConfigValue } from "../schema/key-types.ts";
import { parseYamlBoolean, parseYamlNumber } from "../yaml-scalars.ts";
import { spansFor } from "./spans-for.ts";
import { replaceSpans } from "./splice.ts";

/** A key of config.yml and what it is to be. */
export interface ConfigChange {
  /** Keys from the top, such as `["storage", "maintenance", "readonly", "enabled"]`; an index for an item of a list. */
  path: readonly string[];
  value: string | number | boolean;
}

/** Aliases and merges on the way to a key are written out one after the other; no file has more. */
const MAX_STEPS = 100;

/**
 * Sets keys in the text of a config.yml and touches nothing but the bytes that have to change: comments, order, quotes,
 * line ends, one-line JSON blocks and long lines stay. Sections that are missing are added. Where a value is shared by an
 * anchor, the other places keep the old one. What is there already stays as it is written.
 *
 * @param file - its name, for messages
 * @returns the new text; the same one if there is nothing to change
 * @throws {ConfigError} if the text is no YAML mapping, or a change cannot be made without changing something else
 */
export function editConfig(text: string, changes: readonly ConfigChange[], file = "config.yml"): string {
  let edited = text;
  for (const change of changes) edited = editOne(edited, change, file);
  return edited;
}

function editOne(text: string, change: ConfigChange, file: string): string {
  const root = rootOf(text, file);
  if (isThere(nodeAt(root, change.path), change.value)) return text;
  const wanted = withValue(plainValue(root), change.path, change.value);
  let edited = text;
  for (let step = 0; step < MAX_STEPS; step++) {
    const { spans, done } = spansFor(edited, change, file);
    edited = replaceSpans(edited, spans);
    if (done) break;
  }
  const { root: after, findings } = parseYaml(edited, { kind: "file", file });
  const isBroken = after === undefined || findings.some(({ kind }) => kind === "fatal");
  if (isBroken || !isDeepStrictEqual(plainValue(after), wanted)) {
    throw new ConfigError(`${file}: ${change.path.join(".")} cannot be set without changing something else`, {
      hint: `set it to ${JSON.stringify(change.value)} by hand`,
    });
  }
  return edited;
}

function rootOf(text: string, file: string): ConfigNode {
  const { root, findings } = parseYaml(text, { kind: "file", file });
  const [fatal] = findings.filter(({ kind }) => kind === "fatal");
  if (fatal !== undefined) {
    const position = fatal.origin.kind === "file" ? fatal.origin.position : undefined;
    throw new ConfigError(fatal.message, { position, hint: "put it right first" });
  }
  if (root?.kind !== "map") throw new ConfigError(`${file} is no mapping with keys, so that none can be set`);
  return root;
}

function isThere(node: ConfigNode | undefined, value: ConfigChange["value"]): boolean {
  if (node?.kind !== "scalar" || node.text === undefined) return false;
  if (typeof value === "string") return node.text === value && (node.quoted || plainValue(node) === value);
  if (node.quoted) return false;
  return (typeof value === "boolean" ? parseYamlBoolean(node.text) : parseYamlNumber(node.text)) === value;
}

/** @returns a copy with the value set and the sections above it made where they are missing */
function withValue(
  root: ConfigValue | undefined,
  [name, ...rest]: readonly string[],
  value: ConfigValue,
): ConfigValue {
  if (name === undefined) return value;
  if (Array.isArray(root)) {
    return root.map((item, index) => (String(index) === name ? withValue(item, rest, value) : item));
  }
  if (typeof root === "object" && root !== null) {
    return { ...root, [name]: withValue(Object.hasOwn(root, name) ? root[name] : undefined, rest, value) };
  }
  // `storage: filesystem` stands for a section with that one key.
  const section: ConfigValue = typeof root === "string" ? { [root]: {} } : {};
  return { ...section, [name]: withValue(undefined, rest, value) };
}
