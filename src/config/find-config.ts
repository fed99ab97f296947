import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { ConfigError, UsageError } from "../errors.ts";
import { errorCodeOf } from "../lib/system-error.ts";
import { nodeAt } from "./config-tree.ts";
import { EMBEDDED_STORE } from "./embedded-config.ts";
import { parseYaml } from "./parse-yaml.ts";

/** Where the packages of the Go registries keep their configuration. */
export const SYSTEM_CONFIGS: readonly string[] = [
  "/etc/distribution/config.yml",
  "/etc/docker/registry/config.yml",
  "/var/opt/gitlab/registry/config.yml",
];

/** What a configuration is looked for with. */
export interface FindConfigRequest {
  /** Relative names count from here. */
  cwd: string;
  env: Readonly<Record<string, string | undefined>>;
  /** The command's last argument. */
  argument?: string | undefined;
  /** `-c, --config`. */
  flag?: string | undefined;
  /** Nothing that was not named is taken, except the embedded default where its store is. */
  destructive?: boolean | undefined;
  /** What may be at `./config.yml`, where that was looked for already; false: nothing. */
  localConfig?: string | false | undefined;
  /** For tests: in place of {@link SYSTEM_CONFIGS}. */
  systemConfigs?: readonly string[];
}

/** Where the configuration is, and what the operator should know of the choice. */
export interface FoundConfig {
  /** Undefined for the embedded default. */
  file: { path: string; shownAs: string } | undefined;
  /** One line each: system files that exist and were not taken. */
  hints: string[];
}

/**
 * Chooses a configuration: the argument or `-c`, then `REGISTRY_CONFIGURATION_PATH`, then `./config.yml` if it has
 * `version` and `storage`, then the embedded default. System files are never taken, only named.
 *
 * @throws {UsageError} if argument and `-c` name different files, or one is empty
 * @throws {ConfigError} if a destructive command would have to guess
 */
export function findConfig(request: FindConfigRequest): FoundConfig {
  const { cwd, env, argument, flag } = request;
  if (argument !== undefined && flag !== undefined && resolve(cwd, argument) !== resolve(cwd, flag)) {
    throw new UsageError(`the argument names the config ${argument}, and --config names ${flag}`, {
      hint: "name it once",
    });
  }
  if (argument === "" || flag === "") {
    // Such as "$CONFIG" in a script where the variable is not set.
    throw new UsageError("the name of the config is empty", { hint: "name a file, or leave it out" });
  }
  const named = argument ?? flag ?? (env["REGISTRY_CONFIGURATION_PATH"] || undefined);
  if (named !== undefined) return { file: { path: resolve(cwd, named), shownAs: named }, hints: [] };

  const existing = (request.systemConfigs ?? SYSTEM_CONFIGS).filter((path) => existsSync(path));
  const { localConfig = resolve(cwd, "config.yml") } = request;
  const hasLocal = localConfig !== false && isRegistryConfig(localConfig);
  if (request.destructive === true) refuseToGuess(cwd, hasLocal, existing);
  const hints = existing.map((path) => `${path} exists and is not used: name it with --config ${path}`);
  if (hasLocal) return { file: { path: localConfig, shownAs: "config.yml" }, hints };
  return { file: undefined, hints };
}

function refuseToGuess(cwd: string, hasLocal: boolean, existing: readonly string[]): void {
  if (hasLocal) {
    throw new ConfigError(
      "./config.yml is here, but what deletes or changes data takes no config that was not named",
      {
        hint: "Name it: --config ./config.yml",
      },
    );
  }
  if (existsSync(resolve(cwd, EMBEDDED_STORE))) return;
  const [first] = existing;
  throw new ConfigError(`no config is named, and there is no ./${EMBEDDED_STORE} here to work on`, {
    hint: `Name the registry's config: --config ${first ?? "FILE"}`,
  });
}

/** Tells whether a file looks like the configuration of a registry: many programs have a config.yml. */
function isRegistryConfig(path: string): boolean {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    // One that may not be read is taken, so that it is told instead of passed over.
    return errorCodeOf(error) === "EACCES";
  }
  const { root } = parseYaml(text, { kind: "file", file: path });
  // One that is broken is looked at line by line: taking another store than its author meant would be worse.
  if (root === undefined) return /^version\s*:/m.test(text) && /^storage\s*:/m.test(text);
  return nodeAt(root, ["version"]) !== undefined && nodeAt(root, ["storage"]) !== undefined;
}
