import { Command, Option } from "commander";
import { withControlSocket } from "../../ui/options/control-socket.ts";
import { withDryRun } from "../../ui/options/dry-run.ts";
import type { CommandContext } from "../context.ts";
import { parseTimeout } from "../garbage-collect/parse-flags.ts";
import type { ReloadFlags } from "./run.ts";

const DEFAULT_TIMEOUT_MS = 120_000;

/** `registry-ctl reload [config]`: makes our running server read its configuration again. */
export function reloadCommand(context: CommandContext): Command {
  const command = new Command("reload")
    .argument("[config]", "path of the registry's config.yml (default: see registry-ctl --help)")
    .summary("make the running server read its configuration again")
    .description(
      "Makes this program's own running server read its configuration again, from where it was read at its " +
        "start, and waits until it serves with it. No request is dropped; what is wrong with the configuration " +
        "changes nothing.",
    );
  withDryRun(command, "say what would change").addOption(
    new Option("--timeout <time>", "how long to wait until it serves")
      .default(DEFAULT_TIMEOUT_MS, "120s")
      .argParser(parseTimeout),
  );
  withControlSocket(command).addHelpText("after", HELP);
  return command.action(async (config: string | undefined) => {
    const { runReload } = await import("./run.ts");
    await runReload(context, config, command.optsWithGlobals<ReloadFlags>());
  });
}

const HELP = `
Each key that has changed is shown with how it takes effect: live, with new workers, or only when the server is
stopped and started. Another store is taken only while the server is read-only ("registry-ctl readonly on" before the
file names it), without refusing a connection; nothing is copied: "registry-ctl migrate" does that. "registry-ctl reconfigure" does more: it looks at what derives from the configuration, and goes
back to the old one where the server does not get well. The Go registry cannot reload: restart it.

Examples:
  $ registry-ctl reload --dry-run config.yml   what would change
  $ registry-ctl reload config.yml

Exit codes: 0 done, also if nothing has changed, 1 failed, 2 wrong usage, 10 configuration missing or invalid, 12 no
server of ours runs, or it cannot go to another store now, 129/130/143 stopped waiting by a signal.`;
