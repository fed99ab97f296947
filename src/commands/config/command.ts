import { Command } from "commander";
import type { CommandContext, GlobalFlags } from "../context.ts";
import type { ShowFlags } from "./run.ts";

/** `config check` and `config show`. */
export function configCommand(context: CommandContext): Command {
  const config = new Command("config").summary("check and show the registry's configuration");
  config.description("Checks and shows the registry's configuration: config.yml with REGISTRY_* overrides.");

  const check = new Command("check")
    .copyInheritedSettings(config)
    .argument("[file]", "path of the registry's config.yml (default: see registry-ctl-config(5))")
    .summary("say what is wrong with a config.yml")
    .description("Says what is wrong with a config.yml, and what serve refuses in it, with line and column.")
    .addHelpText("after", CHECK_HELP)
    .action(async (file: string | undefined, _flags: unknown, command: Command) =>
      (await import("./run.ts")).runCheck(context, file, command.optsWithGlobals<GlobalFlags>()),
    );

  const show = new Command("show")
    .copyInheritedSettings(config)
    .argument("[file]", "path of the registry's config.yml (default: see registry-ctl-config(5))")
    .summary("print the configuration with overrides applied and secrets masked")
    .description("Prints the configuration with overrides applied. Secrets are masked.")
    .option("--effective", "print every value that counts, defaults included, and where each comes from")
    .addHelpText("after", SHOW_HELP)
    .action(async (file: string | undefined, _flags: unknown, command: Command) =>
      (await import("./run.ts")).runShow(context, file, command.optsWithGlobals<ShowFlags>()),
    );

  return config.addCommand(check).addCommand(show);
}

const CHECK_HELP = `
Examples:
  $ registry-ctl config check /etc/docker/registry/config.yml
  $ registry-ctl config check --env-from systemd:docker-registry.service
  $ registry-ctl config check --json config.yml

Exit codes: 0 nothing is wrong, there may be warnings, 2 wrong usage, 10 something is wrong, or there is no such file.`;

const SHOW_HELP = `
Examples:
  $ registry-ctl config show /etc/docker/registry/config.yml
  $ registry-ctl config show --effective
  $ registry-ctl config show --effective --json --env-from pid:1234

Exit codes: 0 done, 2 wrong usage, 10 the file cannot be read as a configuration, or there is no such file.`;
