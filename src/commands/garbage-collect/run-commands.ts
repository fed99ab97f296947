import { Command, Option } from "commander";
import { withControlSocket } from "../../ui/options/control-socket.ts";
import { refuseParentOptions } from "../../ui/options/refuse-parent-options.ts";
import type { CommandContext } from "../context.ts";
import { parseTimeout } from "./parse-flags.ts";
import type { StatusFlags } from "./status.ts";
import type { StopFlags } from "./stop.ts";

const MINUTE_MS = 60_000;

/** The option of all commands that keep or read state. */
export function stateDirOption(): Option {
  return new Option(
    "--state-dir <dir>",
    "folder for what is remembered beside the store (default: /var/lib/registry-ctl for root, else below $XDG_STATE_HOME or ~/.local/state)",
  );
}

/** `garbage-collect status [config]`: how far a run is, and how the last ones ended. */
export function statusCommand(context: CommandContext): Command {
  const command = new Command("status")
    .argument("[config]", CONFIG)
    .summary("say how far a collection is, and how the last ones ended")
    .description(
      "Says whether a collection is working on the store, on whatever host, how far it is, and how the last one and the " +
        "last successful one ended. Changes nothing. Dry runs are not shown: they change nothing either.",
    )
    .addOption(stateDirOption())
    .addHelpText("after", STATUS_HELP)
    .action(async (configPath: string | undefined, _flags: unknown, self: Command) => {
      refuseParentOptions(self);
      const { runStatus } = await import("./status.ts");
      await runStatus(context, configPath, self.optsWithGlobals<StatusFlags>());
    });
  return withControlSocket(command);
}

/** `garbage-collect stop [config]`: ends a run from any terminal. */
export function stopCommand(context: CommandContext): Command {
  const command = new Command("stop")
    .argument("[config]", CONFIG)
    .summary("stop a collection, cron's too, and wait until it has ended")
    .description(
      "Asks the collection that works on the store to stop, on whatever host it runs, and waits until it has ended. It " +
        "stops between two batches, ends with exit code 0, and the next run goes on. A later run is not stopped.",
    )
    .addOption(
      new Option("--timeout <time>", "how long to wait for its end")
        .default(MINUTE_MS, "60s")
        .argParser(parseTimeout),
    )
    .addOption(stateDirOption())
    .addHelpText("after", STOP_HELP)
    .action(async (configPath: string | undefined, _flags: unknown, self: Command) => {
      refuseParentOptions(self);
      const { runStop } = await import("./stop.ts");
      await runStop(context, configPath, self.optsWithGlobals<StopFlags>());
    });
  return withControlSocket(command);
}

const CONFIG = "path of the registry's config.yml (default: see registry-ctl --help)";

const STATUS_HELP = `
A run tells of itself in the state folder of the user who started it. Who may not read that folder, and who asks on
another host, sees the store's lock: who holds it, and since when.

Examples:
  $ registry-ctl garbage-collect status config.yml                how far is it?
  $ registry-ctl garbage-collect status --json config.yml | jq .run.progress

Exit codes: 0 running, 1 not running and degraded (the last run failed or was killed and none has succeeded since, or
none for 14 days although runs are made), 2 wrong usage, 3 not running, 10 configuration missing or invalid, 11 the
store's lock cannot be read.`;

const STOP_HELP = `
A collection that works for a running server is asked through that server. Else the request lies in the store, beside
the lock. Where it cannot be written, as on a full disk, a run on this host gets
a SIGTERM instead. Dry runs take no lock and are stopped by Ctrl-C.

Examples:
  $ registry-ctl garbage-collect stop config.yml
  $ registry-ctl garbage-collect stop --timeout 10m config.yml    before a backup, say

Exit codes: 0 it has ended, or there was none, 1 still running after the time, 2 wrong usage, 10 configuration missing
or invalid, 11 store unreachable or denied, 12 it could not be asked, 129/130/143 stopped waiting by a signal.`;
