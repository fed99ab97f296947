import { Command } from "commander";
import { withControlSocket } from "../../ui/options/control-socket.ts";
import { withService } from "../../ui/options/service.ts";
import type { CommandContext } from "../context.ts";
import type { StatusFlags } from "./run.ts";

/** `registry-ctl status [config]`: whether the registry serves, with what, and what is wrong. */
export function statusCommand(context: CommandContext): Command {
  const command = new Command("status")
    .argument("[config]", "path of the registry's config.yml (default: see registry-ctl --help)")
    .summary("say whether the registry serves, with what, and what is wrong")
    .description(
      "Says whether the registry serves: version, configuration, store, read-only state, workers, uploads under " +
        "way, the running and the last garbage collection, room on the disks, and what differs between the " +
        "configuration file, the running server and what was applied last. Works for the Go registry too, as far " +
        "as that can be seen. Changes nothing.",
    )
    .option(
      "--key <file>",
      "private key that tokens are signed with, to ask a registry with auth.token whether it is read-only",
    );
  withControlSocket(withService(command)).addHelpText("after", HELP);
  return command.action(async (config: string | undefined) => {
    const { runStatus } = await import("./run.ts");
    await runStatus(context, config, command.optsWithGlobals<StatusFlags>());
  });
}

const HELP = `
It is degraded when it serves and something is wrong: not all workers listen, its address does not answer, a disk is
full, the last collection failed or none has succeeded for 14 days, the configuration file is not valid any more, or
something was left half done ("registry-ctl recover" ends that). Drift by itself is told of and is no fault.

Examples:
  $ registry-ctl status config.yml
  $ registry-ctl status --json config.yml | jq .readOnly
  $ registry-ctl status --service systemd:docker-registry /etc/docker/registry/config.yml   the Go registry

Exit codes: 0 running, 1 running and degraded, 2 wrong usage, 3 not running, 10 configuration missing or invalid, 12
it cannot be told which of several servers is meant, or its control socket may not be used.`;
