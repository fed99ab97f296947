import { type ConfigNode, isNothing } from "./config-tree.ts";
import { parseGoDuration } from "./go-duration.ts";
import type { Key, SectionKey } from "./schema/key-types.ts";
import { parseGoBoolean, parseYamlBoolean, parseYamlNumber } from "./yaml-scalars.ts";

/**
 * Tells whether a value changes nothing: it is empty, it is the default, or its section is switched off. Of such a
 * value nothing needs to be said, even where its key is not implemented.
 */
export function isInert(key: Key, node: ConfigNode): boolean {
  if (key.inert !== undefined) return key.inert(node);
  if (isNothing(node)) return true;
  switch (key.type) {
    case "section":
      return node.kind === "map" && isInertSection(key, node.entries);
    case "list":
      return node.kind === "list" && node.items.every((item) => isInert(key.items, item));
    case "map":
      return node.kind === "map" && [...node.entries.values()].every((entry) => isNothing(entry.value));
    default:
      return node.kind === "scalar" && isInertText(key, node.text ?? "");
  }
}

type Entries = (ConfigNode & { kind: "map" })["entries"];

function isInertSection(section: SectionKey, entries: Entries): boolean {
  if (entries.size === 0) return true;
  const enabled = section.keys.get("enabled");
  if (enabled?.type === "boolean") return !isOn(entries, "enabled", enabled.default ?? false);
  if (section.keys.has("disabled") && isOn(entries, "disabled", false)) return true;
  return [...entries].every(([name, entry]) => {
    const key = section.keys.get(name);
    return key !== undefined && isInert(key, entry.value);
  });
}

function isOn(entries: Entries, name: string, otherwise: boolean): boolean {
  const node = entries.get(name)?.value;
  if (node?.kind !== "scalar" || node.text === undefined) return otherwise;
  return parseYamlBoolean(node.text) ?? parseGoBoolean(node.text) ?? true;
}

function isInertText(key: Exclude<Key, { type: "section" | "list" | "map" }>, text: string): boolean {
  switch (key.type) {
    case "boolean":
      return (parseYamlBoolean(text) ?? parseGoBoolean(text)) === (key.default ?? false);
    case "integer":
    case "number":
      return key.default !== undefined && parseYamlNumber(text) === key.default;
    case "duration":
      return key.defaultMs !== undefined && parseGoDuration(text) === key.defaultMs;
    case "text":
      return text === "" || text === key.default;
  }
}
