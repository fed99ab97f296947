import { Command, Option } from "commander";
import { withControlSocket } from "../../ui/options/control-socket.ts";
import { withService } from "../../ui/options/service.ts";
import type { CommandContext } from "../context.ts";
import { parseTimeout } from "../garbage-collect/parse-flags.ts";
import type { StartFlags } from "../start/run.ts";

const DEFAULT_TIMEOUT_MS = 120_000;

/** `registry-ctl restart [config]`: new workers without dropping a request, or a restart of the service. */
export function restartCommand(context: CommandContext): Command {
  const command = new Command("restart")
    .argument("[config]", "path of the registry's config.yml (default: see registry-ctl --help)")
    .summary("restart the registry; ours without dropping a request")
    .description(
      "Puts new workers in the place of those of this program's own server: the new ones listen before the old " +
        "ones stop, which still answer what they have begun. No request is dropped. Another registry is stopped " +
        "and started by its service. One that does not run is started.",
    )
    .addOption(
      new Option("--timeout <time>", "how long to wait until it serves")
        .default(DEFAULT_TIMEOUT_MS, "120s")
        .argParser(parseTimeout),
    );
  withControlSocket(withService(command)).addHelpText("after", HELP);
  return command.action(async (config: string | undefined) => {
    const { runRestart } = await import("./run.ts");
    await runRestart(context, config, command.optsWithGlobals<StartFlags>());
  });
}

const HELP = `
The supervisor of our server stays, with the settings that it has: "registry-ctl reload" makes it read its
configuration again. A server of another release than this program is stopped, and started again as it was started:
workers of one release never work for a supervisor of another. Clients are not served between. Started by
something else than "registry-ctl start", it is left alone, and the message says so.

Examples:
  $ registry-ctl restart config.yml                                    new workers, no request dropped
  $ registry-ctl restart --service systemd:docker-registry config.yml  the Go registry, by systemd

Exit codes: 0 it serves, 1 it does not, 2 wrong usage, 10 configuration missing or invalid, 11 store unreachable or
denied, 12 it is run by something that was not named, or stopped for a collection, 129/130/143 stopped by a signal.`;
