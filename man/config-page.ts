import type { Key, Status } from "../src/config/schema/key-types.ts";
import { ROOT_KEYS } from "../src/config/schema/root-keys.ts";
import { escapeRoff, markdownToRoff } from "./roff.ts";

const STATUS_TEXT: Readonly<Record<Status, string>> = {
  implemented: "",
  noop: "Accepted; there is nothing to do for it here.",
  pending: "Known, not implemented yet: a warning.",
  "must-honour": "Not implemented yet, and it restricts access or protects data: serve refuses it.",
};

/** @returns the page registry-ctl-config(5): the prose, then every key of the schema */
export function configManPage(prose: string): string {
  const rows: string[] = [];
  addKeys(ROOT_KEYS, [], rows);
  return `${[
    ".TH REGISTRY-CTL-CONFIG 5",
    ".SH NAME",
    "registry\\-ctl\\-config \\- the registry's config.yml",
    markdownToRoff(prose),
    ".SH KEYS",
    ...rows,
    ".SH SEE ALSO",
    "registry\\-ctl(1), registry\\-ctl\\-config(1), registry\\-ctl\\-serve(1)",
  ].join("\n")}\n`;
}

function addKeys(key: Key, path: readonly string[], rows: string[]): void {
  if (path.length > 0) rows.push(".TP", `.B ${escapeRoff(path.join("."))}`, escapeRoff(describe(key)));
  if (key.type === "section") {
    for (const [name, child] of key.keys) addKeys(child, [...path, name], rows);
  } else if (key.type === "list" && key.items.type === "section") {
    for (const [name, child] of key.items.keys) addKeys(child, [...path, "[]", name], rows);
  }
}

function describe(key: Key): string {
  const parts = [`${key.help.replace(/\.$/, "")}.`];
  if (key.type !== "section") parts.push(`${typeName(key)}${defaultText(key)}.`);
  if (key.required) parts.push("Required.");
  if (key.dialect !== "both") parts.push(key.dialect === "gitlab" ? "GitLab only." : "Distribution only.");
  if (STATUS_TEXT[key.status]) parts.push(STATUS_TEXT[key.status]);
  return parts.join(" ");
}

function typeName(key: Key): string {
  if (key.type === "text" && key.words) return `One of ${key.words.join(", ")}`;
  if (key.type === "list") return "List";
  if (key.type === "map") return "Mapping";
  return key.type.slice(0, 1).toUpperCase() + key.type.slice(1);
}

function defaultText(key: Key): string {
  if (key.type === "duration") return key.defaultMs === undefined ? "" : `, default ${key.defaultMs / 1000}s`;
  if ("default" in key && key.default !== undefined && key.default !== "") return `, default ${key.default}`;
  return "";
}
