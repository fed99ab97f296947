import { type ConfigNode, isNothing, type ListNode, type MapNode, type Origin } from "./config-tree.ts";
import type { Finding } from "./finding.ts";
import { parseYaml } from "./parse-yaml.ts";
import type { Key, SectionKey } from "./schema/key-types.ts";
import { ROOT_KEYS } from "./schema/root-keys.ts";

const PREFIX = "REGISTRY_";

/** Variables of the Go registries, and of this program, that begin like overrides and are none. */
function isOtherVariable(name: string): boolean {
  return name === "REGISTRY_CONFIGURATION_PATH" || /^REGISTRY_(FF|CTL)_/.test(name);
}

/**
 * Applies `REGISTRY_*` variables to a tree, in the byte order of their names, so that a section is replaced before
 * keys in it are. Each part of a name is a key in upper case or the index of a list; the value is YAML. Beyond the Go
 * registry, which splits names at every `_`, keys that hold one (`s3_v2`, `max_retries`) are found as well: the
 * longest key that fits counts.
 *
 * @param root - changed in place
 * @returns what is to be said about the variables
 * @see https://distribution.github.io/distribution/about/configuration/#override-specific-configuration-options
 */
export function applyOverrides(root: MapNode, env: Readonly<Record<string, string | undefined>>): Finding[] {
  const findings: Finding[] = [];
  const names = Object.keys(env).filter((name) => name.startsWith(PREFIX) && !isOtherVariable(name));
  for (const variable of names.sort()) {
    const text = env[variable];
    if (text !== undefined) new Override(variable, text, findings).applyTo(root);
  }
  return findings;
}

class Override {
  readonly #variable: string;
  readonly #text: string;
  readonly #findings: Finding[];
  readonly #origin: Origin;

  constructor(variable: string, text: string, findings: Finding[]) {
    this.#variable = variable;
    this.#text = text;
    this.#findings = findings;
    this.#origin = { kind: "environment", variable };
  }

  applyTo(root: MapNode): void {
    const segments = this.#variable.slice(PREFIX.length).split("_");
    if (segments[0] === "VERSION") {
      this.#say("warning", "version cannot be overridden; the variable is ignored");
      return;
    }
    this.#setIn(root, ROOT_KEYS, segments);
  }

  #say(kind: Finding["kind"], message: string): void {
    this.#findings.push({ kind, key: "", message, origin: this.#origin });
  }

  /** Sets the value below `map`, whose schema is `schema` if there is one. */
  #setIn(map: MapNode, schema: Key | undefined, segments: readonly string[]): void {
    const step = this.#findKey(map, schema, segments);
    if (step === undefined) {
      this.#say("warning", "no such key; the variable is ignored");
      return;
    }
    const { name, key, rest } = step;
    const existing = map.entries.get(name)?.value;
    const value = rest.length === 0 ? this.#parse() : this.#descend(existing, key, rest);
    if (value !== undefined && value !== existing) map.entries.set(name, { origin: this.#origin, value });
  }

  /** @returns the node that is to stand in place of `existing`; undefined to leave everything as it is */
  #descend(
    existing: ConfigNode | undefined,
    key: Key | undefined,
    rest: readonly string[],
  ): ConfigNode | undefined {
    let target = existing;
    if (target === undefined || isNothing(target)) target = this.#emptyFor(key);
    if (target.kind === "scalar" && key?.type === "section" && key.bareWord && target.text !== undefined) {
      const value: MapNode = { kind: "map", entries: new Map(), origin: target.origin };
      const { origin } = target;
      target = { kind: "map", entries: new Map([[target.text, { origin, value }]]), origin };
    }
    if (target.kind === "scalar") {
      this.#say("warning", "it goes into a key that is a single value; the variable is ignored");
      return undefined;
    }
    if (target.kind === "list")
      return this.#setItem(target, key?.type === "list" ? key.items : undefined, rest);
    this.#setIn(target, key, rest);
    return target;
  }

  #setItem(list: ListNode, items: Key | undefined, segments: readonly string[]): ListNode | undefined {
    const [first = "", ...rest] = segments;
    const index = /^\d+$/.test(first) ? Number(first) : undefined;
    if (index === undefined) {
      this.#say("fatal", `${JSON.stringify(first)} is no index of a list`);
      return undefined;
    }
    if (index > list.items.length) {
      this.#say("fatal", `the list has ${list.items.length} entries, so that ${index} is beyond its end`);
      return undefined;
    }
    const value = rest.length === 0 ? this.#parse() : this.#descend(list.items[index], items, rest);
    if (value !== undefined) list.items[index] = value;
    return list;
  }

  #emptyFor(key: Key | undefined): ConfigNode {
    if (key?.type === "list") return { kind: "list", items: [], origin: this.#origin };
    if (key !== undefined && key.type !== "section" && key.type !== "map") {
      return { kind: "scalar", text: "", quoted: true, origin: this.#origin };
    }
    return { kind: "map", entries: new Map(), origin: this.#origin };
  }

  #findKey(
    map: MapNode,
    schema: Key | undefined,
    segments: readonly string[],
  ): { name: string; key: Key | undefined; rest: string[] } | undefined {
    for (let length = segments.length; length > 0; length--) {
      const wanted = segments.slice(0, length).join("_");
      const rest = segments.slice(length);
      if (wanted === "") continue;
      const known = schema?.type === "section" ? findInSection(schema, wanted) : undefined;
      if (known !== undefined) return { name: known[0], key: known[1], rest };
      const isFree =
        schema === undefined || schema.type === "map" || (schema.type === "section" && schema.open);
      const present = isFree
        ? [...map.entries.keys()].find((name) => name.toUpperCase() === wanted)
        : undefined;
      if (present !== undefined) return { name: present, key: valuesOf(schema), rest };
    }
    const [first = "", ...rest] = segments;
    const isClosed = schema?.type === "section" && !schema.open;
    if (isClosed || first === "") return undefined;
    return { name: first.toLowerCase(), key: valuesOf(schema), rest };
  }

  #parse(): ConfigNode {
    const parsed = parseYaml(this.#text, { kind: "environment", variable: this.#variable });
    this.#findings.push(...parsed.findings);
    return parsed.root ?? { kind: "scalar", text: undefined, quoted: false, origin: this.#origin };
  }
}

function valuesOf(schema: Key | undefined): Key | undefined {
  return schema?.type === "map" ? schema.values : undefined;
}

function findInSection(section: SectionKey, wanted: string): [string, Key] | undefined {
  return [...section.keys].find(([name, key]) => name.toUpperCase() === wanted || key.goName === wanted);
}
