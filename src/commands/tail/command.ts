import { Command, InvalidArgumentError, Option } from "commander";
import { withControlSocket } from "../../ui/options/control-socket.ts";
import { withService } from "../../ui/options/service.ts";
import type { CommandContext } from "../context.ts";
import type { TailFlags } from "./run.ts";

const DEFAULT_LINES = 10;

/** `registry-ctl tail [config]`: shows the registry's log. */
export function tailCommand(context: CommandContext): Command {
  const command = new Command("tail")
    .argument("[config]", "path of the registry's config.yml (default: see registry-ctl --help)")
    .summary("show the registry's log")
    .description(
      "Shows the end of the registry's log, wherever that is: in the journal of systemd, in the folder of " +
        "runit's svlogd, in the file that a server in the background writes, or in the file that a running " +
        "process writes to.",
    )
    .option("-f, --follow", "go on with what is added, until Ctrl-C")
    .addOption(
      new Option("-n, --lines <n>", "so many lines of what is there")
        .default(DEFAULT_LINES)
        .argParser(parseLines),
    );
  withControlSocket(withService(command)).addHelpText("after", HELP);
  return command.action(async (config: string | undefined) => {
    const { runTail } = await import("./run.ts");
    await runTail(context, config, command.optsWithGlobals<TailFlags>());
  });
}

function parseLines(text: string): number {
  if (!/^\d{1,7}$/.test(text)) throw new InvalidArgumentError("It is a number of lines.");
  return Number(text);
}

const HELP = `
With --service command:LINE, ctl.yml says where the log is (service.log). Log rotation is followed. On a terminal,
characters that could command it are shown as "?".

Examples:
  $ registry-ctl tail -n 100 config.yml
  $ registry-ctl tail -f config.yml
  $ registry-ctl tail -f --service runit:registry /var/opt/gitlab/registry/config.yml

Exit codes: 0 shown, 1 the log cannot be read, 2 wrong usage, 10 configuration missing or invalid, 12 it is not known
where the log is, 129/130/143 ended by a signal.`;
