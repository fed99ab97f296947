import { existsSync, readFileSync, realpathSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { CTL_FILE, type CtlSettings, parseCtlFile, rememberService } from "../../config/ctl-file.ts";
import { formatServiceSpec, parseServiceSpec, type ServiceSpec } from "../../config/service-spec.ts";
import type { LoadedConfig } from "../../config/settings.ts";
import type { Service } from "../../control/service.ts";
import { ConfigError } from "../../errors.ts";
import { makeFolders } from "../../lib/make-folders.ts";
import { messageOf } from "../../lib/message-of.ts";
import { createOwnedFile, replaceOwnedFile } from "../../lib/owned-file.ts";
import { errorCodeOf, fileProblemOf } from "../../lib/system-error.ts";
import { openService, type ServiceOptions } from "./open-service.ts";

/** What the command line says of the service; see `ui/options/service.ts`. */
export interface ServiceFlags {
  /** `--service SPEC`. */
  service?: string;
  /** `--ctl-config FILE`. */
  ctlConfig?: string;
}

/** How the registry of a configuration is run, as far as it was said. */
export interface ChosenService {
  /** Undefined: nobody has said. */
  service: Service | undefined;
  /** Addresses of all nodes on the store, as `nodes` has them; empty: nobody has said. */
  nodes: readonly string[];
  /** Lines for people. */
  notices: readonly string[];
  /**
   * Writes down what `--service` said, when a command has succeeded with it. Never fails.
   *
   * @returns what to tell people; undefined if nothing was to be written
   */
  remember(): string | undefined;
}

/**
 * Finds out what runs the registry of a configuration: `--service`, else what ctl.yml remembers for it. To be
 * called before root switches to another user.
 *
 * @throws {UsageError} if `--service` is not written as it should be
 * @throws {ConfigError} if ctl.yml is wrong, or somebody else may write to it
 */
export function chooseService(
  flags: ServiceFlags,
  { source }: Pick<LoadedConfig, "source">,
  { cwd }: { cwd: string },
  options: ServiceOptions = {},
): ChosenService {
  const given = flags.service === undefined ? undefined : parseServiceSpec(flags.service);
  const file = flags.ctlConfig === undefined ? CTL_FILE : resolve(cwd, flags.ctlConfig);
  const config = source.kind === "file" ? realPath(source.path) : undefined;
  const text = readTrusted(file);
  const written = parseCtlFile(text ?? "", file);
  const isOurs = written.config === undefined || realPath(written.config) === config;
  const spec = given ?? (isOurs ? written.service : undefined);
  const notices: string[] = [];
  if (!isOurs && given === undefined && written.service !== undefined)
    notices.push(`${file} is about the registry of ${written.config}, and not followed`);
  return {
    service: spec && openService(spec, options),
    nodes: isOurs ? written.nodes : [],
    notices,
    remember: () => given && remember(given, { file, text, config, written, isOurs }),
  };
}

interface Remembered {
  file: string;
  text: string | undefined;
  config: string | undefined;
  written: CtlSettings;
  isOurs: boolean;
}

function remember(
  spec: ServiceSpec,
  { file, text, config, written, isOurs }: Remembered,
): string | undefined {
  const name = formatServiceSpec(spec);
  if (!isOurs)
    return `not remembered: ${file} is about the registry of ${written.config}; give another --ctl-config`;
  if (written.service && formatServiceSpec(written.service) === name && written.config === config)
    return undefined;
  try {
    const bytes = Buffer.from(rememberService(text ?? "", { spec, config, file }));
    if (text === undefined) {
      makeFolders(dirname(file), 0o755);
      createOwnedFile(file, bytes, { mode: 0o644 });
    } else {
      const target = realpathSync(file);
      replaceOwnedFile(target, bytes, statSync(target));
    }
    return `remembered in ${file}: ${name}`;
  } catch (error) {
    const problem = errorCodeOf(error) === "" ? messageOf(error) : fileProblemOf(error);
    return `not remembered in ${file} (${problem}): give --service again next time`;
  }
}

/**
 * @returns undefined if there is no such file
 * @throws {ConfigError} if it cannot be read, or somebody whose commands we should not run could have written it
 */
function readTrusted(file: string): string | undefined {
  if (!existsSync(file)) return undefined;
  try {
    const { uid, mode } = statSync(file);
    const us = process.getuid?.() ?? 0;
    if (uid !== us && uid !== 0)
      throw new ConfigError(`${file} belongs to user ${uid}, and names programs that would be run`, {
        hint: `make it root's: chown root ${file}`,
      });
    if ((mode & 0o022) !== 0)
      throw new ConfigError(`${file} may be written to by others, and names programs that would be run`, {
        hint: `chmod go-w ${file}`,
      });
    return readFileSync(file, "utf8");
  } catch (cause) {
    if (cause instanceof ConfigError) throw cause;
    throw new ConfigError(`${file} cannot be read: ${fileProblemOf(cause)}`, { cause });
  }
}

function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return resolve(path);
  }
}
