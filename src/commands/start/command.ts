import { Command, Option } from "commander";
import { withControlSocket } from "../../ui/options/control-socket.ts";
import { withService } from "../../ui/options/service.ts";
import type { CommandContext } from "../context.ts";
import { parseTimeout } from "../garbage-collect/parse-flags.ts";
import { parseWorkers } from "../serve/parse-workers.ts";
import type { StartFlags } from "./run.ts";

const MINUTE_MS = 60_000;

/** `registry-ctl start [config]`: starts the registry in the background, or by its service. */
export function startCommand(context: CommandContext): Command {
  const command = new Command("start")
    .argument("[config]", "path of the registry's config.yml (default: see registry-ctl --help)")
    .summary("start the registry in the background, or by its service")
    .description(
      "Starts the registry and waits until it serves: by its service where there is one, else this program's " +
        "own server in the background, with its log in the state folder. Nothing happens if it runs already. A " +
        "server that does not serve in time is ended again, and the last lines of its log say why; one that answers " +
        "clients already is left serving.",
    )
    .option(
      "--workers <n>",
      "processes that serve, in the background (default: one for each core)",
      parseWorkers,
    )
    .addOption(
      new Option("--timeout <time>", "how long to wait until it serves")
        .default(MINUTE_MS, "60s")
        .argParser(parseTimeout),
    );
  withControlSocket(withService(command)).addHelpText("after", HELP);
  return command.action(async (config: string | undefined) => {
    const { runStart } = await import("./run.ts");
    await runStart(context, config, command.optsWithGlobals<StartFlags>());
  });
}

const HELP = `
In the background the server outlives the terminal; "registry-ctl tail" shows its log, "registry-ctl stop" ends it. It
does not come back by itself after a reboot: for that, make it a service ("registry-ctl reconfigure --write systemd")
and say so with --service. A registry that something else runs, the Go registry too, is started by that.

Examples:
  $ registry-ctl start config.yml                                     in the background
  $ registry-ctl start --service systemd:docker-registry config.yml   by systemd, from now on
  $ registry-ctl start --service runit:registry /var/opt/gitlab/registry/config.yml
  $ registry-ctl start --service 'command:docker {} registry' config.yml

Exit codes: 0 it serves, 1 it does not, 2 wrong usage, 10 configuration missing or invalid, 11 store unreachable or
denied, 12 another registry works on the store, or a collection has stopped it for its time, 129/130/143 stopped by a
signal; a server in the background is ended then.`;
