import { isMap, parseDocument } from "yaml";
import { UsageError } from "../errors.ts";
import { type ConfigNode, isNothing, type MapNode, type Origin } from "./config-tree.ts";
import { type Finding, toConfigError } from "./finding.ts";
import { parseYaml } from "./parse-yaml.ts";
import {
  formatServiceSpec,
  parseServiceSpec,
  type ServiceCommands,
  type ServiceSpec,
} from "./service-spec.ts";

/** Where it is remembered how registries on this host are run. */
export const CTL_FILE = "/etc/registry-ctl/ctl.yml";

/** What a ctl.yml says. */
export interface CtlSettings {
  /** Absolute path of the registry's configuration that the rest is about; undefined: whichever there is. */
  config: string | undefined;
  service: ServiceSpec | undefined;
  /** Addresses of all nodes that work on the store, as `host:port` or URLs. */
  nodes: string[];
}

const KEYS = ["config", "service", "nodes"] as const;
const COMMAND_KEYS = ["start", "stop", "restart", "status", "log"] as const;

/**
 * Reads the text of a ctl.yml: `config`, `service` (as `--service` takes it, or a mapping with `start`, `stop`, and
 * if wanted `restart`, `status` and `log`) and `nodes` (a list). An empty text says nothing.
 *
 * @param file - its name, for messages
 * @throws {ConfigError} with everything that is wrong, each with its place
 */
export function parseCtlFile(text: string, file: string): CtlSettings {
  const { root, findings } = parseYaml(text, { kind: "file", file });
  const settings: CtlSettings = { config: undefined, service: undefined, nodes: [] };
  if (root !== undefined && !isNothing(root)) readKeys(root, settings, findings);
  if (findings.length > 0)
    throw toConfigError(findings, `Put it right: ${file} has config, service and nodes.`);
  return settings;
}

/**
 * Writes into the text of a ctl.yml what runs a registry. Comments, and all other keys, stay.
 *
 * @param config - absolute path of the registry's configuration; undefined: the embedded one, which is not named
 * @returns the new text
 * @throws {ConfigError} if the text is no ctl.yml
 */
export function rememberService(
  text: string,
  { spec, config, file }: { spec: ServiceSpec; config: string | undefined; file: string },
): string {
  parseCtlFile(text, file);
  const parsed = parseDocument(text);
  // Comments alone have nothing that a key could be added to.
  const document = isMap(parsed.contents) ? parsed : parseDocument(`${text.trimEnd()}\n{}\n`.trimStart());
  if (isMap(document.contents)) document.contents.flow = false;
  if (config !== undefined) document.set("config", config);
  document.set("service", formatServiceSpec(spec));
  return document.toString({ lineWidth: 0 });
}

function readKeys(root: ConfigNode, settings: CtlSettings, findings: Finding[]): void {
  const find = (key: string, message: string, origin: Origin) =>
    findings.push({ kind: "fatal", key, message, origin });
  if (root.kind !== "map") {
    find("", "it must be a mapping with keys", root.origin);
    return;
  }
  refuseOthers(root, "", KEYS, find);
  const config = textAt(root, "config", "", find);
  if (config !== undefined && !config.startsWith("/"))
    find("config", "config must be an absolute path", originOf(root, "config"));
  settings.config = config;
  settings.service = serviceAt(root, find);
  settings.nodes = nodesAt(root, find);
}

type Find = (key: string, message: string, origin: Origin) => void;

function serviceAt(root: MapNode, find: Find): ServiceSpec | undefined {
  const node = root.entries.get("service")?.value;
  if (node === undefined || isNothing(node)) return undefined;
  if (node.kind === "map") {
    const commands = commandsAt(node, find);
    return commands && { kind: "command", commands };
  }
  const text = textAt(root, "service", "", find);
  if (text === undefined) return undefined;
  try {
    return parseServiceSpec(text);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    find("service", error.message, node.origin);
    return undefined;
  }
}

function commandsAt(node: MapNode, find: Find): ServiceCommands | undefined {
  refuseOthers(node, "service.", COMMAND_KEYS, find);
  const { start, stop, ...others } = Object.fromEntries(
    COMMAND_KEYS.flatMap((name) => {
      const text = textAt(node, name, "service.", find);
      return text === undefined ? [] : [[name, text]];
    }),
  );
  if (start === undefined || stop === undefined) {
    find("service", `service has no ${start === undefined ? "start" : "stop"}`, node.origin);
    return undefined;
  }
  return { start, stop, ...others };
}

function nodesAt(root: MapNode, find: Find): string[] {
  const node = root.entries.get("nodes")?.value;
  if (node === undefined || isNothing(node)) return [];
  if (node.kind !== "list") {
    find("nodes", "nodes must be a list of addresses", node.origin);
    return [];
  }
  return node.items.flatMap((item, index) => {
    const text = item.kind === "scalar" ? item.text : undefined;
    if (text !== undefined && NODE.test(text)) return [text];
    find(`nodes.${index}`, "a node must be host:port, or a URL with http or https", item.origin);
    return [];
  });
}

/** A host may be a name, an IPv4 address, or an IPv6 address in brackets. */
const NODE = /^(?:https?:\/\/)?(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?(?:\/\S*)?$/;

function textAt(map: MapNode, name: string, prefix: string, find: Find): string | undefined {
  const node = map.entries.get(name)?.value;
  if (node === undefined || isNothing(node)) return undefined;
  if (node.kind === "scalar" && node.text !== undefined && node.text.trim() !== "") return node.text;
  find(`${prefix}${name}`, `${prefix}${name} must be a text that is not empty`, node.origin);
  return undefined;
}

function refuseOthers(map: MapNode, prefix: string, known: readonly string[], find: Find): void {
  for (const [name, { origin }] of map.entries) {
    if (known.includes(name)) continue;
    find(`${prefix}${name}`, `${prefix}${name} is not known; there are ${known.join(", ")}`, origin);
  }
}

function originOf(map: MapNode, name: string): Origin {
  return map.entries.get(name)?.value.origin ?? map.origin;
}
