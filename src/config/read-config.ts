import { buildSettings } from "./build-settings.ts";
import { checkWhole } from "./check-whole.ts";
import type { ConfigNode, MapNode, Origin } from "./config-tree.ts";
import { type Finding, sortFindings } from "./finding.ts";
import { applyOverrides } from "./overrides.ts";
import { parseYaml } from "./parse-yaml.ts";
import { readValues, type SetValue } from "./read-values.ts";
import type { AuthSettings, Settings } from "./settings.ts";

/** Everything that can be known of a configuration without acting on it. */
export interface ReadConfig {
  /** After overrides. */
  root: ConfigNode | undefined;
  values: ReadonlyMap<string, SetValue>;
  /** All that is to be said, in the order of the file. */
  findings: Finding[];
  /** Undefined where something is fatal or the storage driver is not implemented. */
  settings: Settings | undefined;
  /** What was assumed where the file leaves it open, as lines for people; nothing is wrong. */
  notes: string[];
  /** What `auth` comes to, whatever is wrong elsewhere and whether or not the storage driver is implemented. */
  auth: AuthSettings | undefined;
}

/**
 * Reads the text of a config.yml with its overrides. It collects all that is wrong; it never throws.
 *
 * @param file - the file's name, for messages
 */
export function readConfig(
  text: string,
  file: string,
  env: Readonly<Record<string, string | undefined>>,
): ReadConfig {
  const parsed = parseYaml(text, { kind: "file", file });
  const { root } = parsed;
  const top: Origin = { kind: "file", position: { file, line: 1, column: 1 } };
  if (root?.kind !== "map") {
    const message = root === undefined ? "the file is empty" : "a configuration must be a mapping with keys";
    const findings = hasFatal(parsed.findings)
      ? parsed.findings
      : [...parsed.findings, { kind: "fatal" as const, key: "", message, origin: root?.origin ?? top }];
    return { root, values: new Map(), findings, settings: undefined, notes: [], auth: undefined };
  }
  return readTree(root, [...parsed.findings, ...applyOverrides(root, env)]);
}

/**
 * Reads a tree, overrides applied, as {@link readConfig} reads a text.
 *
 * @param earlier - what is to be said of it already
 */
export function readTree(root: MapNode, earlier: readonly Finding[]): ReadConfig {
  const read = readValues(root);
  const findings = [...earlier, ...read.findings, ...checkWhole(root)];
  const built = buildSettings(root, read);
  findings.push(...built.findings);
  return {
    root,
    values: read.values,
    findings: sortFindings(findings),
    settings: isUsable(findings) ? built.settings : undefined,
    notes: built.notes,
    auth: built.settings.auth,
  };
}

/** @returns whether `database.enabled` is true or `prefer` */
export function usesMetadataDatabase(config: ReadConfig): boolean {
  const value = config.values.get("database.enabled")?.value;
  return value === true || value === "prefer";
}

/** @returns the findings about a storage driver that is not implemented, which nothing can work with */
export function missingDriver(findings: readonly Finding[]): Finding | undefined {
  return findings.find((finding) => finding.kind === "refused" && /^storage\.[^.]+$/.test(finding.key));
}

function hasFatal(findings: readonly Finding[]): boolean {
  return findings.some((finding) => finding.kind === "fatal");
}

function isUsable(findings: readonly Finding[]): boolean {
  return !hasFatal(findings) && missingDriver(findings) === undefined;
}
