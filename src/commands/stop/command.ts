import { Command, Option } from "commander";
import { withControlSocket } from "../../ui/options/control-socket.ts";
import { withService } from "../../ui/options/service.ts";
import type { CommandContext } from "../context.ts";
import { parseTimeout } from "../garbage-collect/parse-flags.ts";
import type { StopFlags } from "./run.ts";

const DEFAULT_TIMEOUT_MS = 120_000;

/** `registry-ctl stop [config]`: stops the registry and waits for its end. */
export function stopCommand(context: CommandContext): Command {
  const command = new Command("stop")
    .argument("[config]", "path of the registry's config.yml (default: see registry-ctl --help)")
    .summary("stop the registry, and wait until it has ended")
    .description(
      "Stops the registry and waits until it has ended: by its service where there is one, else this program's " +
        "own server over its control socket. Requests under way may end, for http.draintimeout at the most. " +
        "Nothing happens if it does not run.",
    )
    .addOption(
      new Option("--timeout <time>", "how long to wait for its end")
        .default(DEFAULT_TIMEOUT_MS, "120s")
        .argParser(parseTimeout),
    );
  withControlSocket(withService(command)).addHelpText("after", HELP);
  return command.action(async (config: string | undefined) => {
    const { runStop } = await import("./run.ts");
    await runStop(context, config, command.optsWithGlobals<StopFlags>());
  });
}

const HELP = `
A server that systemd or runit runs is stopped by them only, since they would start it again: without --service this
is refused, and the message names it. When the time is over the server still ends by itself, with its last request.

Examples:
  $ registry-ctl stop config.yml
  $ registry-ctl stop --timeout 10m config.yml                        large pushes are under way
  $ registry-ctl stop --service systemd:docker-registry config.yml

Exit codes: 0 it has ended, or did not run, 1 still there after the time, 2 wrong usage, 10 configuration missing or
invalid, 12 it is run by something that was not named, 129/130/143 stopped waiting by a signal.`;
