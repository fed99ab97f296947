import { type ConfigNode, nodeAt, type Origin } from "./config-tree.ts";
import { formatGoDuration } from "./go-duration.ts";
import { showValue } from "./mask.ts";
import type { ReadConfig } from "./read-config.ts";
import type { ConfigValue, Key } from "./schema/key-types.ts";
import { ROOT_KEYS } from "./schema/root-keys.ts";
import type { StorageSettings } from "./settings.ts";

/** A value fit to be shown, with where it comes from. */
export interface ShownValue {
  /** Dotted path. */
  key: string;
  /** Secrets masked. */
  value: ConfigValue;
  origin: Origin;
}

/** @returns what the file and the environment say, in the order of the file */
export function writtenValues(config: ReadConfig): ShownValue[] {
  return [...config.values].map(([key, { key: schema, value, origin }]) => {
    return { key, value: showValue(schema, key.slice(key.lastIndexOf(".") + 1), value), origin };
  });
}

/**
 * @returns every value that counts, defaults included, in the order of the schema; keys that no registry knows and
 * the defaults of sections that are not there (another driver, `proxy`) count for nothing
 */
export function effectiveValues(config: ReadConfig): ShownValue[] {
  return [...valuesOf(ROOT_KEYS, "", "", config)];
}

function* valuesOf(key: Key, path: string, name: string, config: ReadConfig): Iterable<ShownValue> {
  if (key.type !== "section") {
    const adjusted = adjustedValue(path, config);
    if (adjusted !== undefined) {
      yield adjusted;
      return;
    }
    const set = config.values.get(path);
    if (set !== undefined) {
      yield { key: path, value: showValue(key, name, set.value), origin: set.origin };
      return;
    }
    const value = defaultOf(key);
    if (value !== undefined) yield { key: path, value, origin: { kind: "default" } };
    return;
  }
  if (key.optional && !isThere(config.root, path)) return;
  for (const [child, childKey] of key.keys) {
    yield* valuesOf(childKey, path === "" ? child : `${path}.${child}`, child, config);
  }
}

/** The values that are not taken as they are written: raised, lowered, or from another key. */
function adjustedValue(path: string, { settings, values }: ReadConfig): ShownValue | undefined {
  const set = values.get(path) ?? (path === "log.level" ? values.get("loglevel") : undefined);
  if (settings === undefined) return undefined;
  const found = foundOut(settings.storage).get(path);
  if (found !== undefined) return { key: path, value: found, origin: set?.origin ?? { kind: "default" } };
  if (set === undefined) return undefined;
  const taken = new Map<string, ConfigValue>([
    ["log.level", settings.log.level],
    ["catalog.maxentries", settings.catalogMaxEntries],
    ["tags.maxtags", settings.tagsMaxTags],
    ["http.prefix", settings.http.prefix],
  ]);
  const value = taken.get(path);
  return value === undefined ? undefined : { key: path, value, origin: set.origin };
}

/** What a driver makes of its keys, written or not. */
function foundOut(storage: StorageSettings): ReadonlyMap<string, ConfigValue> {
  switch (storage.driver) {
    case "inmemory":
      return new Map();
    case "filesystem":
      return new Map([["storage.filesystem.maxthreads", storage.maxThreads]]);
    case "s3":
    case "s3_v2": {
      const place = storage.driver === "s3" ? "forcepathstyle" : "pathstyle";
      const found: [string, ConfigValue][] = [
        ["region", storage.region],
        [place, storage.pathStyle],
        ["checksum_disabled", storage.checksums.when === "required"],
        ["multipartcopythresholdsize", storage.copy.thresholdBytes],
        ["loglevel", storage.logLevel],
      ];
      if (storage.endpoint !== "") found.push(["regionendpoint", storage.endpoint]);
      return new Map(found.map(([name, value]) => [`storage.${storage.driver}.${name}`, value]));
    }
  }
}

function isThere(root: ConfigNode | undefined, path: string): boolean {
  const segments = path.split(".");
  if (nodeAt(root, segments) !== undefined) return true;
  // `storage: filesystem` stands for the section of that name.
  const parent = nodeAt(root, segments.slice(0, -1));
  return parent?.kind === "scalar" && parent.text === segments.at(-1);
}

function defaultOf(key: Exclude<Key, { type: "section" }>): ConfigValue | undefined {
  switch (key.type) {
    case "list":
    case "map":
      return undefined;
    case "duration":
      return key.defaultMs === undefined ? undefined : formatGoDuration(key.defaultMs);
    default:
      return key.default;
  }
}
