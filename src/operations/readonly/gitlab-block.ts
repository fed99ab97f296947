import { nodeAt } from "../../config/config-tree.ts";
import { parseYaml } from "../../config/parse-yaml.ts";
import { plainValue } from "../../config/plain-value.ts";
import type { ConfigValue } from "../../config/schema/key-types.ts";
import { MASK, maskText, namesSecret } from "../../lib/mask-secrets.ts";

/** What the package adds by itself, from settings of other names. */
const ADDED_BY_PACKAGE = new Set(["cache", "delete"]);

/**
 * Tells what has to stand in gitlab.rb for a registry to be read-only, or not to be. The setting is one with the whole
 * storage, so that the rest is repeated as it is in the rendered file.
 *
 * @param text - the rendered config.yml
 * @returns lines of Ruby, secrets masked
 * @see https://docs.gitlab.com/administration/packages/container_registry/
 */
export function gitlabReadOnlyBlock(text: string, file: string, readOnly: boolean): string[] {
  const { root } = parseYaml(text, { kind: "file", file });
  const node = root === undefined ? undefined : nodeAt(root, ["storage"]);
  const storage = node === undefined ? {} : plainValue(node);
  const kept = isSection(storage)
    ? Object.entries(storage).filter(([name]) => !ADDED_BY_PACKAGE.has(name) && name !== "maintenance")
    : [];
  const maintenance = isSection(storage) ? storage["maintenance"] : undefined;
  const wanted: ConfigValue = {
    ...Object.fromEntries(kept),
    maintenance: { ...(isSection(maintenance) ? maintenance : {}), readonly: { enabled: readOnly } },
  };
  return `registry['storage'] = ${ruby(wanted, "")}`.split("\n");
}

type Section = { [name: string]: ConfigValue };

function isSection(value: ConfigValue | undefined): value is Section {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function ruby(value: ConfigValue, indent: string, name = ""): string {
  if (Array.isArray(value)) return `[${value.map((item) => ruby(item, indent, name)).join(", ")}]`;
  if (isSection(value)) {
    const inner = `${indent}  `;
    const lines = Object.entries(value).map(
      ([key, item]) => `${inner}${quoted(key)} => ${ruby(item, inner, key)}`,
    );
    return lines.length === 0 ? "{}" : `{\n${lines.join(",\n")}\n${indent}}`;
  }
  if (value === null) return "nil";
  if (namesSecret(name)) return quoted(MASK);
  return typeof value === "string" ? quoted(maskText(value)) : String(value);
}

function quoted(text: string): string {
  return `'${text.replaceAll(/[\\']/g, "\\$&")}'`;
}
