import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { ConfigError, UsageError } from "../errors.ts";
import { fileProblemOf } from "../lib/system-error.ts";
import type { ConfigNode, MapNode, Origin } from "./config-tree.ts";
import { nodeAt } from "./config-tree.ts";
import { type Finding, formatFinding, toConfigError } from "./finding.ts";
import { parseYaml } from "./parse-yaml.ts";
import { missingDriver, readTree } from "./read-config.ts";
import { EXISTING_DRIVERS, NOT_DRIVERS, STORAGE_KEYS } from "./schema/storage-keys.ts";
import type { StorageSettings } from "./settings.ts";
import { type DriverSection, entriesOf, mapOf, renderSection } from "./target-section.ts";

/** The drivers that a registry can be moved to. */
export type TargetDriver = "s3" | "filesystem";

/** Variables that hold what no command line may, by the key that they are for. */
export const TARGET_SECRET_VARIABLES: Readonly<Record<string, string>> = {
  accesskey: "REGISTRY_CTL_TARGET_ACCESSKEY",
  secretkey: "REGISTRY_CTL_TARGET_SECRETKEY",
  sessiontoken: "REGISTRY_CTL_TARGET_SESSIONTOKEN",
};

/** What says which store is meant, beside the registry's own. */
export interface TargetRequest {
  /** A config.yml, or a part of one: `storage:` alone, the driver's section alone, or only its keys. */
  file?: string | undefined;
  /** The same as text, in the place of a file. */
  text?: string | undefined;
  /** Which driver; the file may say it. */
  driver?: TargetDriver | undefined;
  /** Keys of the driver's section, such as `bucket`; they count more than the file. */
  values: Readonly<Record<string, string>>;
  env: Readonly<Record<string, string | undefined>>;
  /** Relative names count from here; the working folder by default. */
  cwd?: string | undefined;
}

/** A store that was named completely. */
export interface LoadedTarget {
  storage: StorageSettings;
  /** `storage:` with that one driver, as YAML, with its secrets. */
  section: string;
  /** Keys that have to be named; none here. */
  missing: string[];
  /** What may surprise, one line each. */
  warnings: string[];
}

/** What is known of a store so far. */
export interface ReadTarget extends Omit<LoadedTarget, "storage"> {
  /** Undefined: nothing says which. */
  driver: string | undefined;
  /** Undefined as long as something is missing. */
  storage: StorageSettings | undefined;
}

/**
 * Reads which store is meant. Nothing is asked of it. The environment overrides of a registry's own configuration do not count.
 *
 * @throws {ConfigError} if the file cannot be read, what is said is wrong, or something is missing
 * @throws {UsageError} if the driver does not exist, or holds nothing for longer than a process
 */
export async function loadTarget(request: TargetRequest): Promise<LoadedTarget> {
  const { storage, missing, ...rest } = await readTarget(request);
  if (storage !== undefined) return { storage, missing, ...rest };
  throw new ConfigError(`${request.file ?? "the other store"} lacks ${missing.join(", ")}`, {
    hint: "name them there, or as options",
  });
}

/**
 * As {@link loadTarget}, but what is missing is no error.
 *
 * @throws {ConfigError} if the file cannot be read, or what is said is wrong
 * @throws {UsageError} if the driver does not exist, or holds nothing for longer than a process
 */
export async function readTarget(request: TargetRequest): Promise<ReadTarget> {
  const { root, findings } = await readFragment(request);
  const section = sectionOf(root, request);
  if (section === undefined) {
    return { driver: undefined, storage: undefined, section: "", missing: ["the driver"], warnings: [] };
  }
  refuseDriver(section.driver);
  const keys = withValues(section, request);
  const whole: DriverSection = { driver: section.driver, keys };
  const missing = missingKeys(whole);
  const text = renderSection(whole);
  if (missing.length > 0) {
    return { driver: section.driver, storage: undefined, section: text, missing, warnings: [] };
  }
  const read = readTree(wholeOf(whole, root?.origin ?? { kind: "default" }), findings);
  const fatal = read.findings.filter(({ kind }) => kind === "fatal");
  const driver = missingDriver(read.findings);
  if (driver !== undefined) fatal.push(driver);
  if (fatal.length > 0 || read.settings === undefined) throw toConfigError(fatal);
  const { storage } = read.settings;
  if (storage.driver === "filesystem") {
    storage.rootDirectory = resolve(request.cwd ?? ".", storage.rootDirectory);
  }
  const warnings = read.findings.map(formatFinding);
  return { driver: section.driver, storage, section: text, missing, warnings };
}

async function readFragment({
  file: named,
  text: given,
  cwd = ".",
}: TargetRequest): Promise<{ root: MapNode | undefined; findings: Finding[] }> {
  if (named === undefined && given === undefined) return { root: undefined, findings: [] };
  const file = named ?? "the storage section";
  let text: string;
  try {
    text = given ?? (await readFile(resolve(cwd, file), "utf8"));
  } catch (cause) {
    throw new ConfigError(`${file} cannot be read: ${fileProblemOf(cause)}`, { cause });
  }
  const { root, findings } = parseYaml(text, { kind: "file", file });
  const fatal = findings.filter(({ kind }) => kind === "fatal");
  if (fatal.length > 0) throw toConfigError(fatal);
  if (root?.kind === "map") return { root, findings };
  throw new ConfigError(`${file} has no keys`, {
    hint: "write storage: with the driver and its keys into it",
  });
}

/** @returns the driver's section, wherever in the text it stands; undefined if nothing names a driver */
function sectionOf(root: MapNode | undefined, { driver, file }: TargetRequest): DriverSection | undefined {
  const storage = storageOf(root);
  if (storage !== undefined) {
    const names = [...storage.keys()].filter((name) => !NOT_DRIVERS.has(name));
    const [name, second] = names;
    if (name === undefined) throw new ConfigError(`${file} names no storage driver`);
    if (second !== undefined)
      throw new ConfigError(`${file} names more than one storage driver: ${names.join(", ")}`);
    if (driver !== undefined && kindOf(name) !== driver) {
      throw new UsageError(`${file} is about ${name}, and not about ${driver}`, { hint: "name one of them" });
    }
    return { driver: name, keys: entriesOf(storage.get(name)) };
  }
  return driver === undefined ? undefined : { driver, keys: entriesOf(root) };
}

/** `storage` of a configuration, or a text that has only what stands below it. */
function storageOf(root: MapNode | undefined): Map<string, ConfigNode> | undefined {
  const node = nodeAt(root, ["storage"]);
  if (node?.kind === "scalar" && node.text !== undefined) return new Map([[node.text, node]]);
  if (node !== undefined) return entriesOf(node);
  const names = [...(root?.entries.keys() ?? [])];
  const isBelow = names.some((name) => STORAGE_KEYS.keys.has(name) && !NOT_DRIVERS.has(name));
  return isBelow ? entriesOf(root) : undefined;
}

function refuseDriver(driver: string): void {
  if (driver === "inmemory")
    throw new UsageError("what is in memory is gone with its process: name another store");
  if (EXISTING_DRIVERS.has(driver)) return;
  throw new UsageError(`the storage driver ${driver} is not implemented yet`, {
    hint: "use s3 or filesystem",
  });
}

/** `s3_v2` is S3 too. */
function kindOf(driver: string): string {
  return driver === "s3_v2" ? "s3" : driver;
}

function withValues(
  { driver, keys }: DriverSection,
  { values, env }: TargetRequest,
): Map<string, ConfigNode> {
  const merged = new Map(keys);
  const section = STORAGE_KEYS.keys.get(driver);
  const origin: Origin = { kind: "default" };
  const set = (name: string, text: string, from: Origin): void => {
    const type = section?.type === "section" ? section.keys.get(name)?.type : undefined;
    merged.set(name, {
      kind: "scalar",
      text,
      quoted: type !== "boolean" && type !== "integer",
      origin: from,
    });
  };
  for (const [name, text] of Object.entries(values)) set(name, text, origin);
  if (kindOf(driver) !== "s3") return merged;
  for (const [name, variable] of Object.entries(TARGET_SECRET_VARIABLES)) {
    const text = env[variable];
    if (text && values[name] === undefined) set(name, text, { kind: "environment", variable });
  }
  return merged;
}

function missingKeys({ driver, keys }: DriverSection): string[] {
  const has = (name: string): boolean => {
    const node = keys.get(name);
    return node !== undefined && !(node.kind === "scalar" && !node.text);
  };
  if (driver === "filesystem") return has("rootdirectory") ? [] : ["rootdirectory"];
  return [
    ...(has("bucket") ? [] : ["bucket"]),
    ...(has("region") || has("regionendpoint") ? [] : ["region"]),
  ];
}

function wholeOf({ driver, keys }: DriverSection, origin: Origin): MapNode {
  const map = (entries: Map<string, ConfigNode>): MapNode => mapOf(entries, origin);
  const version: ConfigNode = { kind: "scalar", text: "0.1", quoted: false, origin };
  return map(
    new Map<string, ConfigNode>([
      ["version", version],
      ["storage", map(new Map([[driver, map(new Map(keys))]]))],
    ]),
  );
}
