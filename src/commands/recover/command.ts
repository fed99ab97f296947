import { Command } from "commander";
import { withDryRun } from "../../ui/options/dry-run.ts";
import type { CommandContext } from "../context.ts";
import type { RecoverFlags } from "./run.ts";

/** `registry-ctl recover`: ends what a crash or a reboot has left half done. */
export function recoverCommand(context: CommandContext): Command {
  const command = new Command("recover")
    .summary("end what a crash or a reboot has left half done")
    .description(
      "Brings back what was changed for a time only, where nobody is left to do that: a registry that was " +
        "stopped or made read-only for a garbage collection, and a read-only time that is over. On all stores " +
        "that this user has worked on. What is not due yet stays. May be run at any time, and again.",
    )
    .option(
      "--force",
      "also for what belongs to a process that cannot be seen from here, such as in another container",
    )
    .option("--install", "write a unit of systemd that does this at every boot, instead of doing it")
    .option("--prefix-dir <dir>", "with --install, write below this folder instead of /")
    .option("-y, --yes", "with --install, do not ask");
  withDryRun(command, "say what would be done").addHelpText("after", HELP);
  return command.action(async () => {
    const { runRecover } = await import("./run.ts");
    await runRecover(context, command.optsWithGlobals<RecoverFlags>());
  });
}

const HELP = `
Commands that change a registry for a time write down first what is to be undone, in the state folder of the user who
runs them, and a process of its own undoes it when they die. A reboot ends that process too: what it has left behind
is for this command. "registry-ctl status" tells of it. Our own server ends its read-only time by itself.

Examples:
  $ registry-ctl recover --dry-run                    what is left behind
  $ registry-ctl recover
  $ registry-ctl recover --install                    at every boot, by systemd
  $ registry-ctl recover --install --prefix-dir /tmp/root

Exit codes: 0 done, or nothing to do, 1 failed, 2 wrong usage, 3 something could not be brought back, 129/130/143
stopped by a signal.`;
