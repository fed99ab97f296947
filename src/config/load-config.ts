import { createReadStream } from "node:fs";
import { resolve } from "node:path";
import { ConfigError } from "../errors.ts";
import { fileProblemOf } from "../lib/system-error.ts";
import { checkAllowed, isAllowed } from "./allow-unimplemented.ts";
import { EMBEDDED_CONFIG } from "./embedded-config.ts";
import { readEnvFrom } from "./env-from.ts";
import { type FindConfigRequest, findConfig } from "./find-config.ts";
import { type Finding, formatFinding, toConfigError } from "./finding.ts";
import { type KeyValue, keyValues } from "./key-values.ts";
import { MAX_TEXT_BYTES } from "./parse-yaml.ts";
import { missingDriver, type ReadConfig, readConfig, usesMetadataDatabase } from "./read-config.ts";
import { EXISTING_DRIVERS } from "./schema/storage-keys.ts";
import type { ConfigSource, LoadedConfig } from "./settings.ts";

/** What a configuration is found and read with. */
export interface LoadConfigRequest extends FindConfigRequest {
  /** Keys that must be honoured and are not implemented are an error (`serve`), else a warning. */
  refuseUnimplemented?: boolean | undefined;
  /** Keys, or sections of keys, that are not refused. */
  allowUnimplemented?: readonly string[] | undefined;
  /** Sources of the service's environment; see `readEnvFrom`. */
  envFrom?: readonly string[] | undefined;
}

/** A {@link LoadedConfig} with what is told of it and what it is compared by. */
export interface ComparableConfig extends LoadedConfig {
  /** Lines for people, which --quiet leaves out. */
  hints: string[];
  values: KeyValue[];
}

/** A configuration that was found and read, whatever is wrong with it. */
export interface OpenedConfig {
  source: ConfigSource;
  /** The file's name as it was given, for messages. */
  shownAs: string;
  config: ReadConfig;
  /** Lines for people, which --quiet leaves out. */
  hints: string[];
}

/**
 * Finds and reads a configuration without judging it.
 *
 * @throws {ConfigError} if there is none, or it cannot be read
 * @throws {UsageError} if what was asked for contradicts itself
 */
export async function openConfig(request: LoadConfigRequest): Promise<OpenedConfig> {
  const env = await readEnvFrom(request.envFrom ?? [], request.env, { cwd: request.cwd });
  const { file, hints } = findConfig({ ...request, env });
  if (file === undefined) {
    const shownAs = "embedded default";
    const config = readConfig(EMBEDDED_CONFIG, shownAs, env);
    return { source: { kind: "embedded" }, shownAs, config, hints: [...hints, ...config.notes] };
  }
  const text = await readText(file.path, file.shownAs);
  const config = readConfig(text, file.shownAs, env);
  return {
    source: { kind: "file", path: file.path },
    shownAs: file.shownAs,
    config,
    hints: [...hints, ...config.notes],
  };
}

/**
 * Finds and reads the configuration that a command works with. A relative `rootdirectory` counts from the working
 * directory, as for the Go registry.
 *
 * @throws {ConfigError} with everything that is wrong, each with its place
 * @throws {UsageError} if what was asked for contradicts itself
 */
export async function loadConfig(request: LoadConfigRequest): Promise<ComparableConfig> {
  const allowed = request.allowUnimplemented ?? [];
  checkAllowed(allowed);
  const { source, shownAs, config, hints } = await openConfig(request);
  const { findings } = config;
  throwIfUnusable(findings, shownAs);
  const refused = findings.filter((finding) => finding.kind === "refused");
  if (request.refuseUnimplemented === true) throwIfRefused(refused, allowed);
  if (config.settings === undefined) throw new ConfigError(`${shownAs} gives no settings`);
  const { settings } = config;
  if (settings.storage.driver === "filesystem") {
    settings.storage.rootDirectory = resolve(request.cwd, settings.storage.rootDirectory);
  }
  return {
    source,
    settings,
    warnings: findings.map(formatFinding),
    usesMetadataDatabase: usesMetadataDatabase(config),
    hints,
    values: keyValues(config),
  };
}

function throwIfUnusable(findings: readonly Finding[], shownAs: string): void {
  const fatal = findings.filter((finding) => finding.kind === "fatal");
  if (fatal.length > 0)
    throw toConfigError(fatal, `Put it right; "registry-ctl config check ${shownAs}" tells more.`);
  const driver = missingDriver(findings);
  if (driver !== undefined) {
    const existing = [...EXISTING_DRIVERS].join(", ");
    throw toConfigError([driver], `Use one of ${existing}, or a release that has this one.`);
  }
}

function throwIfRefused(refused: readonly Finding[], allowed: readonly string[]): void {
  const left = refused.filter((finding) => !isAllowed(finding.key, allowed));
  const [first] = left;
  if (first === undefined) return;
  const keys = left.map((finding) => `--allow-unimplemented ${finding.key}`).join(" ");
  throw toConfigError(
    left.map((finding) => ({
      ...finding,
      message: `${finding.message}, and it restricts access or protects data`,
    })),
    `Without it the registry would be more open than the file says; to serve all the same: ${keys}`,
  );
}

async function readText(path: string, shownAs: string): Promise<string> {
  try {
    const chunks: Buffer[] = [];
    // A byte more than is accepted, so that a device without an end is refused like any large file.
    for await (const chunk of createReadStream(path, { end: MAX_TEXT_BYTES })) chunks.push(chunk);
    return Buffer.concat(chunks).toString();
  } catch (cause) {
    throw new ConfigError(`the config ${shownAs} cannot be read: ${fileProblemOf(cause)}`, { cause });
  }
}
