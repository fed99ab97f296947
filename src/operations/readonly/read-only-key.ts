import { createHash } from "node:crypto";
import { nodeAt } from "../../config/config-tree.ts";
import { editConfig } from "../../config/edit/edit-config.ts";
import { toConfigError } from "../../config/finding.ts";
import { parseYaml } from "../../config/parse-yaml.ts";
import { plainValue } from "../../config/plain-value.ts";

/** The key of config.yml that makes a registry read-only, ours and the Go registries. */
export const READ_ONLY_KEY: readonly string[] = ["storage", "maintenance", "readonly", "enabled"];

/** A config.yml before and after the change of the one key. */
export interface ReadOnlyChange {
  before: string;
  /** The same as `before` if there is nothing to change. */
  after: string;
  /** What the file said. */
  wasReadOnly: boolean;
}

/**
 * Sets the key in the text of a config.yml. Where it is missing it is off, and stays missing.
 *
 * @param file - its name, for messages
 * @throws {ConfigError} if the text is no configuration, or the key cannot be set alone
 */
export function changeReadOnly(text: string, file: string, readOnly: boolean): ReadOnlyChange {
  const wasReadOnly = saysReadOnly(text, file);
  const value = readOnly;
  const after = wasReadOnly === readOnly ? text : editConfig(text, [{ path: READ_ONLY_KEY, value }], file);
  return { before: text, after, wasReadOnly };
}

/**
 * Tells what the text itself says, whatever the environment does.
 *
 * @throws {ConfigError} if it is broken: a registry must not be started with it
 */
export function saysReadOnly(text: string, file: string): boolean {
  const { root, findings } = parseYaml(text, { kind: "file", file });
  const fatal = findings.filter(({ kind }) => kind === "fatal");
  if (fatal.length > 0) throw toConfigError(fatal, `put ${file} right`);
  const node = root === undefined ? undefined : nodeAt(root, READ_ONLY_KEY);
  return node !== undefined && plainValue(node) === true;
}

/** @returns SHA-256 in hex */
export function textDigest(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
