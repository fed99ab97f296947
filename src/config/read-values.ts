import { type ConfigNode, isNothing, type MapNode, type Origin } from "./config-tree.ts";
import type { Finding, FindingKind } from "./finding.ts";
import { isInert } from "./inert.ts";
import { nearestKey } from "./nearest-key.ts";
import { plainValue } from "./plain-value.ts";
import { readScalar } from "./read-scalar.ts";
import type { ConfigValue, Key, ListKey, MapKey, SectionKey } from "./schema/key-types.ts";
import { ROOT_KEYS } from "./schema/root-keys.ts";
import { EXISTING_DRIVERS } from "./schema/storage-keys.ts";

/** A value that the file or the environment gives to a key that is no section. */
export interface SetValue {
  /** Undefined for a key that the schema does not know. */
  key: Key | undefined;
  value: ConfigValue;
  origin: Origin;
}

/** The typed values of a configuration, by dotted path in the order of the file, and what is to be said of them. */
export interface ReadValues {
  values: Map<string, SetValue>;
  findings: Finding[];
}

/** How a part of the tree is read. */
interface Scope {
  /** The Go registry converts strings here. */
  loose: boolean;
  /** Whether this is implemented has been said of a section around it, or does not matter. */
  covered: boolean;
  /** Inside of a list or map: the value is part of another one. */
  nested: boolean;
}

/** Gives every value of a tree its type. It collects all that is wrong and never throws. */
export function readValues(root: ConfigNode): ReadValues {
  const reader = new ValueReader();
  reader.readSection(ROOT_KEYS, root, "", root.origin, { loose: false, covered: false, nested: false });
  return { values: reader.values, findings: reader.findings };
}

class ValueReader {
  readonly values = new Map<string, SetValue>();
  readonly findings: Finding[] = [];

  #find(kind: FindingKind, key: string, message: string, origin: Origin): void {
    this.findings.push({ kind, key, message, origin });
  }

  #read(key: Key, node: ConfigNode, path: string, origin: Origin, scope: Scope): ConfigValue {
    const inner: Scope = { ...scope, covered: this.#judge(key, node, path, origin, scope) };
    let value: ConfigValue;
    switch (key.type) {
      case "section":
        return this.readSection(key, node, path, origin, inner);
      case "list":
        value = this.#readList(key, node, path, { ...inner, nested: true });
        break;
      case "map":
        value = this.#readMap(key, node, path, { ...inner, nested: true });
        break;
      default:
        value = this.#readLeaf(key, node, path, scope.loose);
    }
    if (!scope.nested && value !== null) this.values.set(path, { key, value, origin: node.origin });
    return value;
  }

  /** Says what is to be said of a key that is not implemented. @returns whether nothing more is to be said inside */
  #judge(key: Key, node: ConfigNode, path: string, origin: Origin, scope: Scope): boolean {
    if (scope.covered) return true;
    const unit = key.type !== "section" || key.status !== "implemented";
    if (!unit) return key.inert?.(node) ?? false;
    if (key.status === "implemented" || key.status === "noop" || isInert(key, node)) return true;
    if (key.status === "must-honour") this.#find("refused", path, `${path} is not implemented yet`, origin);
    else this.#find("without-effect", path, `${path} is not implemented yet and has no effect`, origin);
    return true;
  }

  readSection(
    section: SectionKey,
    given: ConfigNode,
    path: string,
    origin: Origin,
    scope: Scope,
  ): ConfigValue {
    const node = section.bareWord ? spellOut(given) : given;
    if (isNothing(node)) {
      if (mustBeWhole(path, scope)) this.#reportMissing(section, EMPTY, path, origin, scope);
      return null;
    }
    if (node.kind !== "map") {
      this.#find("fatal", path, `${path || "a configuration"} must be a mapping with keys`, node.origin);
      return null;
    }
    const result: Record<string, ConfigValue> = {};
    const inner: Scope = { ...scope, loose: scope.loose || section.looseStrings };
    for (const [name, entry] of node.entries) {
      const childPath = path === "" ? name : `${path}.${name}`;
      const key = section.keys.get(name);
      if (key === undefined) this.#reportUnknown(section, path, name, entry.value, entry.origin, inner);
      else {
        const isMissingDriver = path === "storage" && isOfDriver(key) && !EXISTING_DRIVERS.has(name);
        const covered = inner.covered || isMissingDriver;
        if (isMissingDriver) {
          this.#find("refused", childPath, `the storage driver ${name} is not implemented yet`, entry.origin);
        }
        result[name] = this.#read(key, entry.value, childPath, entry.origin, { ...inner, covered });
      }
    }
    this.#reportMissing(section, node, path, origin, scope);
    return result;
  }

  #reportUnknown(
    section: SectionKey,
    path: string,
    name: string,
    value: ConfigNode,
    origin: Origin,
    scope: Scope,
  ): void {
    const childPath = path === "" ? name : `${path}.${name}`;
    const near = nearestKey(section, path, name);
    const advice = near === undefined ? "" : `; did you mean ${near}?`;
    if (path === "storage")
      this.#find("fatal", childPath, `there is no storage driver ${name}${advice}`, origin);
    else if (path === "auth") this.#find("fatal", childPath, `there is no auth ${name}${advice}`, origin);
    else this.#find("problem", childPath, `there is no key ${childPath}${advice}`, origin);
    if (!scope.nested)
      this.values.set(childPath, { key: undefined, value: plainValue(value), origin: value.origin });
  }

  #reportMissing(
    section: SectionKey,
    node: Pick<MapNode, "entries">,
    path: string,
    origin: Origin,
    scope: Scope,
  ): void {
    if (path === "") return;
    const kind = mustBeWhole(path, scope) ? "fatal" : "problem";
    for (const [name, key] of section.keys) {
      const value = node.entries.get(name)?.value;
      const isEmpty = isNothing(value) || (value?.kind === "scalar" && value.text === "");
      if (key.required && isEmpty) this.#find(kind, `${path}.${name}`, `${path} lacks ${name}`, origin);
    }
  }

  #readList(key: ListKey, node: ConfigNode, path: string, scope: Scope): ConfigValue {
    if (isNothing(node)) return null;
    if (node.kind !== "list") {
      this.#find("fatal", path, `${path} must be a list, such as [value]`, node.origin);
      return null;
    }
    return node.items.map((item, index) =>
      this.#read(key.items, item, `${path}.${index}`, item.origin, scope),
    );
  }

  #readMap(key: MapKey, node: ConfigNode, path: string, scope: Scope): ConfigValue {
    if (isNothing(node)) return null;
    if (node.kind !== "map") {
      // `auth: none` and the like stand for a mapping with nothing in it.
      if (key.status === "noop") return null;
      this.#find("fatal", path, `${path} must be a mapping with keys`, node.origin);
      return null;
    }
    const { values } = key;
    if (values === undefined) return plainValue(node);
    const entries = [...node.entries].map(([name, entry]): [string, ConfigValue] => [
      name,
      this.#read(values, entry.value, `${path}.${name}`, entry.origin, scope),
    ]);
    return Object.fromEntries(entries);
  }

  #readLeaf(
    key: Exclude<Key, { type: "section" | "list" | "map" }>,
    node: ConfigNode,
    path: string,
    loose: boolean,
  ): ConfigValue {
    if (isNothing(node)) return null;
    if (node.kind !== "scalar") {
      this.#find(
        "fatal",
        path,
        `${path} must be a single value, not a ${node.kind === "map" ? "mapping" : "list"}`,
        node.origin,
      );
      return null;
    }
    const { value, remark } = readScalar(key, node, loose);
    if (remark !== undefined) this.#find(remark.kind, path, `${path} ${remark.message}`, node.origin);
    return value ?? null;
  }
}

const EMPTY: Pick<MapNode, "entries"> = { entries: new Map() };

/**
 * Who is let in must not depend on what is left out, and a driver does not know where to store; the Go registry does not
 * start either.
 */
function mustBeWhole(path: string, scope: Scope): boolean {
  return path.startsWith("auth.") || (/^storage\.[^.]+$/.test(path) && !scope.covered);
}

function isOfDriver(key: Key): boolean {
  return key.type === "section" && key.optional;
}

/** `storage: inmemory` stands for `storage: { inmemory: {} }`. */
function spellOut(node: ConfigNode): ConfigNode {
  if (node.kind !== "scalar" || node.text === undefined) return node;
  const value: ConfigNode = { kind: "map", entries: new Map(), origin: node.origin };
  return {
    kind: "map",
    entries: new Map([[node.text, { origin: node.origin, value }]]),
    origin: node.origin,
  };
}
