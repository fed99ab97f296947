import type { ConfigNode } from "./config-tree.ts";
import type { ConfigValue } from "./schema/key-types.ts";
import { parseYamlBoolean, parseYamlNumber } from "./yaml-scalars.ts";

/** @returns a value that no schema knows, with the types that YAML 1.1 gives it */
export function plainValue(node: ConfigNode): ConfigValue {
  switch (node.kind) {
    case "list":
      return node.items.map(plainValue);
    case "map":
      return Object.fromEntries([...node.entries].map(([name, entry]) => [name, plainValue(entry.value)]));
    case "scalar": {
      if (node.text === undefined) return null;
      if (node.quoted) return node.text;
      // A lone y or n is a name here more often than a boolean.
      const bool = node.text.length > 1 ? parseYamlBoolean(node.text) : undefined;
      return bool ?? parseYamlNumber(node.text) ?? node.text;
    }
  }
}
