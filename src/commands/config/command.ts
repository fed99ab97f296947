import { Command } from "commander";
import { effectiveValues, type ShownValue, writtenValues } from "../../config/effective-values.ts";
import { toConfigError } from "../../config/finding.ts";
import { type OpenedConfig, openConfig } from "../../config/load-config.ts";
import type { CommandContext, GlobalFlags } from "../context.ts";
import { makeCheckReport } from "./check-report.ts";
import { renderCheck, renderValues } from "./render.ts";

interface ShowFlags extends GlobalFlags {
  effective: boolean;
}

/** `config check` and `config show`. */
export function configCommand(context: CommandContext): Command {
  const config = new Command("config").summary("check and show the registry's configuration");
  config.description("Checks and shows the registry's configuration: config.yml with REGISTRY_* overrides.");

  const check = new Command("check")
    .copyInheritedSettings(config)
    .argument("[file]", "path of the registry's config.yml (default: see config.yml(5))")
    .summary("say what is wrong with a config.yml")
    .description("Says what is wrong with a config.yml, and what serve refuses in it, with line and column.")
    .addHelpText("after", CHECK_HELP)
    .action((file: string | undefined, _flags: unknown, command: Command) =>
      runCheck(context, file, command.optsWithGlobals<GlobalFlags>()),
    );

  const show = new Command("show")
    .copyInheritedSettings(config)
    .argument("[file]", "path of the registry's config.yml (default: see config.yml(5))")
    .summary("print the configuration with overrides applied and secrets masked")
    .description("Prints the configuration with overrides applied. Secrets are masked.")
    .option(
      "--effective",
      "print every value that counts, defaults included, and where each comes from",
      false,
    )
    .addHelpText("after", SHOW_HELP)
    .action((file: string | undefined, _flags: unknown, command: Command) =>
      runShow(context, file, command.optsWithGlobals<ShowFlags>()),
    );

  return config.addCommand(check).addCommand(show);
}

const CHECK_HELP = `
Examples:
  registry-ctl config check /etc/docker/registry/config.yml
  registry-ctl config check --env-from systemd:docker-registry.service
  registry-ctl config check --json config.yml

Exit codes:
  0   nothing is wrong; there may be warnings
  2   wrong usage
  10  something is wrong, or there is no such file`;

const SHOW_HELP = `
Examples:
  registry-ctl config show /etc/docker/registry/config.yml
  registry-ctl config show --effective
  registry-ctl config show --effective --json --env-from pid:1234

Exit codes:
  0   done
  2   wrong usage
  10  the file cannot be read as a configuration, or there is no such file`;

async function runCheck(
  context: CommandContext,
  file: string | undefined,
  flags: GlobalFlags,
): Promise<void> {
  const opened = await open(context, file, flags);
  const report = makeCheckReport(opened.shownAs, opened.config.findings);
  context.report(report, renderCheck, flags);
  if (!report.ok) context.setExitCode(10);
}

async function runShow(context: CommandContext, file: string | undefined, flags: ShowFlags): Promise<void> {
  const { config, source, shownAs } = await open(context, file, flags);
  const fatal = config.findings.filter(({ kind }) => kind === "fatal");
  if (fatal.length > 0) throw toConfigError(fatal, "Put it right first.");
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
