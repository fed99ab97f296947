import { resolve } from "node:path";
import { toConfigError } from "../../config/finding.ts";
import { openConfig } from "../../config/load-config.ts";
import type { TokenAuthSettings } from "../../config/settings.ts";
import { ConfigError, UsageError } from "../../errors.ts";
import { checkKeys } from "../../operations/keys/check-keys.ts";
import { readGitlabYml } from "../../operations/keys/gitlab-yml.ts";
import type { CommandContext, GlobalFlags } from "../context.ts";
import { type KeysCheckReport, renderCheck } from "./render-check.ts";
import { verifyAsRegistry } from "./verify-as-registry.ts";

/** The options of `keys check`. */
export interface CheckFlags extends GlobalFlags {
  key?: string;
  gitlabYml?: string;
}

const DIFFERENCES = 4;

/** Checks that key, certificates and issuer fit together, and reports; exit code 4 if they do not. */
export async function runCheck(
  context: CommandContext,
  configPath: string | undefined,
  flags: CheckFlags,
): Promise<void> {
  const { cwd } = context;
  const gitlab = flags.gitlabYml === undefined ? undefined : readGitlabYml(resolve(cwd, flags.gitlabYml));
  const keyFile = flags.key === undefined ? gitlab?.keyFile : resolve(cwd, flags.key);
  if (keyFile === undefined) {
    throw new UsageError("no private key is named", {
      hint: "name the one that GitLab signs with: --key FILE, or the gitlab.yml that names it: --gitlab-yml FILE",
    });
  }
  const { auth, shownAs } = await readTokenSettings(context, configPath, flags);
  const result = await checkKeys(
    { nowMs: Date.now(), verifyToken: (token, files) => verifyAsRegistry(token, files, auth) },
    { auth, keyFile, gitlab },
  );
  const report: KeysCheckReport = { schemaVersion: 1, command: "keys check", config: shownAs, ...result };
  context.report(report, renderCheck, flags);
  if (!report.fits) context.setExitCode(DIFFERENCES);
}

/**
 * The storage of the configuration is not looked at: it need not be one that there is a driver for.
 *
 * @throws {ConfigError} if there is no `auth.token`
 */
async function readTokenSettings(
  context: CommandContext,
  configPath: string | undefined,
  flags: CheckFlags,
): Promise<{ auth: TokenAuthSettings; shownAs: string }> {
  const { cwd, env } = context;
  const { config, shownAs, hints } = await openConfig({
    cwd,
    env,
    argument: configPath,
    flag: flags.config,
    envFrom: flags.envFrom,
  });
  for (const hint of hints) context.notice(hint, flags);
  const fatal = config.findings.filter(({ kind, key }) => kind === "fatal" && /^(auth\b|$)/.test(key));
  if (fatal.length > 0) throw toConfigError(fatal, "put it right first");
  if (config.auth?.kind !== "token") {
    throw new ConfigError(`${shownAs} has no auth.token: no token of GitLab's is asked for`, {
      hint: "name the config of the registry that GitLab uses",
    });
  }
  const { rootCertBundle, jwks } = config.auth;
  const absolute = (path: string): string => (path === "" ? "" : resolve(cwd, path));
  const auth = { ...config.auth, rootCertBundle: absolute(rootCertBundle), jwks: absolute(jwks) };
  return { auth, shownAs };
}
