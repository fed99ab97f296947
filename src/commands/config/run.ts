import { effectiveValues, type ShownValue, writtenValues } from "../../config/effective-values.ts";
import { toConfigError } from "../../config/finding.ts";
import { type OpenedConfig, openConfig } from "../../config/load-config.ts";
import type { CommandContext, GlobalFlags } from "../context.ts";
import { makeCheckReport } from "./check-report.ts";
import { renderCheck, renderValues } from "./render.ts";

/** The options of `config show`. */
export interface ShowFlags extends GlobalFlags {
  effective?: boolean;
}

/** Checks a configuration and reports; exit code 10 if something is wrong. */
export async function runCheck(
  context: CommandContext,
  file: string | undefined,
  flags: GlobalFlags,
): Promise<void> {
  const opened = await open(context, file, flags);
  const report = makeCheckReport(opened.shownAs, opened.config.findings);
  context.report(report, renderCheck, flags);
  if (!report.ok) context.setExitCode(10);
}

/**
 * Prints a configuration.
 *
 * @throws {ConfigError} if it cannot be used
 */
export async function runShow(
  context: CommandContext,
  file: string | undefined,
  flags: ShowFlags,
): Promise<void> {
  const { config, source, shownAs } = await open(context, file, flags);
  const fatal = config.findings.filter(({ kind }) => kind === "fatal");
  if (fatal.length > 0) throw toConfigError(fatal, "put it right first");
  const values: ShownValue[] = flags.effective ? effectiveValues(config) : writtenValues(config);
  const report = { schemaVersion: 1, command: "config show", config: shownAs, source, values };
  const origins = flags.effective ? "all" : "environment";
  context.report(report, ({ values: shown }) => renderValues(shown, origins), flags);
}

async function open(
  context: CommandContext,
  file: string | undefined,
  flags: GlobalFlags,
): Promise<OpenedConfig> {
  const { cwd, env } = context;
  const opened = await openConfig({ cwd, env, argument: file, flag: flags.config, envFrom: flags.envFrom });
  for (const hint of opened.hints) context.notice(hint, flags);
  return opened;
}
