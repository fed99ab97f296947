import {
  type ConfigNode,
  describeOrigin,
  isNothing,
  type MapEntry,
  type Origin,
} from "../../config/config-tree.ts";
import { type Finding, sortFindings, toConfigError } from "../../config/finding.ts";
import { parseYaml } from "../../config/parse-yaml.ts";
import { isRepositoryName } from "../../oci/reference.ts";
import type { CleanupLimits, PolicySet } from "./policy.ts";
import { PolicyReader } from "./policy-reader.ts";
import { unknownKey } from "./unknown-key.ts";

const TOP_KEYS = ["limits", "policies"];
const LIMITS: Readonly<Record<string, { name: keyof CleanupLimits; least: number }>> = {
  worker_capacity: { name: "workerCapacity", least: 1 },
  delete_tags_service_timeout: { name: "deleteTagsServiceTimeout", least: 0 },
  max_list_size: { name: "maxListSize", least: 0 },
};

/**
 * Reads the text of a policies.yml: `policies`, a mapping of projects' paths, in which `*` may stand, to what GitLab's cleanup policies
 * have, and `limits`.
 *
 * @param file - its name, for messages
 * @throws {ConfigError} with everything that is wrong, each with its place
 */
export function parsePolicyFile(text: string, file: string): PolicySet {
  const { root, findings } = parseYaml(text, { kind: "file", file });
  const reader = new FileReader(text, findings);
  reader.read(root, { kind: "file", position: { file, line: 1, column: 1 } });
  const wrong = sortFindings(findings.filter(({ kind }) => kind !== "warning"));
  if (wrong.length > 0) throw toConfigError(wrong, HINT);
  const warnings = sortFindings(findings).map(
    ({ origin, message }) => `${describeOrigin(origin)}: ${message}`,
  );
  return { policies: reader.policies, limits: reader.limits, warnings };
}

const HINT =
  "Put it right; registry-ctl cleanup --help shows such a file, registry-ctl-cleanup(1) has all keys. A path that begins with * stands in quotation marks";

class FileReader {
  readonly policies: PolicySet["policies"] = [];
  readonly limits: Partial<CleanupLimits> = {};
  readonly #text: string;
  readonly #findings: Finding[];

  constructor(text: string, findings: Finding[]) {
    this.#text = text;
    this.#findings = findings;
  }

  read(root: ConfigNode | undefined, top: Origin): void {
    if (this.#findings.some(({ kind }) => kind === "fatal")) return;
    const entries = root === undefined || isNothing(root) ? undefined : this.#entriesOf(root, "");
    this.#refuseOthers(entries, TOP_KEYS);
    this.#readLimits(entries?.get("limits"));
    const policies = entries?.get("policies");
    const listed = policies && this.#entriesOf(policies.value, "policies");
    for (const [project, entry] of listed ?? []) this.#readProject(project, entry);
    if (this.#findings.length === 0 && this.policies.length === 0) {
      this.#find("policies", "there are no policies", policies?.origin ?? root?.origin ?? top);
    }
  }

  #readProject(project: string, { origin, value }: MapEntry): void {
    const key = `policies.${project}`;
    if (!isRepositoryName(project.replaceAll("*", "a"))) {
      const reason = /[A-Z]/.test(project)
        ? "it is in lower case in the registry"
        : "it is no path of a project";
      this.#find(key, `${JSON.stringify(project)} cannot be the name of a repository: ${reason}`, origin);
    }
    const entries = this.#entriesOf(value, key);
    if (entries === undefined) return;
    const reader = new PolicyReader({
      entries,
      key,
      origin,
      lineAt: (line) => this.#text.split(/\r?\n/)[line - 1] ?? "",
      find: (finding) => this.#findings.push(finding),
    });
    this.policies.push({ project, policy: reader.read(), origin: describeOrigin(origin) });
  }

  #readLimits(entry: MapEntry | undefined): void {
    if (entry === undefined || isNothing(entry.value)) return;
    const entries = this.#entriesOf(entry.value, "limits");
    this.#refuseOthers(entries, Object.keys(LIMITS), "limits.");
    for (const [key, { name, least }] of Object.entries(LIMITS)) {
      const node = entries?.get(key)?.value;
      if (node === undefined || isNothing(node)) continue;
      const count =
        node.kind === "scalar" && !node.quoted && /^\d{1,9}$/.test(node.text ?? "") ? Number(node.text) : -1;
      if (count >= least) this.limits[name] = count;
      else this.#find(`limits.${key}`, `limits.${key} must be a whole number, ${least} or more`, node.origin);
    }
  }

  #entriesOf(node: ConfigNode, key: string): ReadonlyMap<string, MapEntry> | undefined {
    if (node.kind === "map") return node.entries;
    const what = key === "" ? "a file of policies" : key;
    this.#find(key, `${what} must be a mapping with keys`, node.origin);
    return undefined;
  }

  #refuseOthers(
    entries: ReadonlyMap<string, MapEntry> | undefined,
    known: readonly string[],
    prefix = "",
  ): void {
    for (const [name, { origin }] of entries ?? []) {
      if (!known.includes(name)) this.#find(`${prefix}${name}`, unknownKey(name, known, prefix), origin);
    }
  }

  #find(key: string, message: string, origin: Origin): void {
    this.#findings.push({ kind: "fatal", key, message, origin });
  }
}
