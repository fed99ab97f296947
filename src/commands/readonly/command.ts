import { Command, Option } from "commander";
import { withDryRun } from "../../ui/options/dry-run.ts";
import { withService } from "../../ui/options/service.ts";
import type { CommandContext } from "../context.ts";
import { parseAge, parseTimeout } from "../garbage-collect/parse-flags.ts";
import type { HoldFlags, ReadOnlyFlags } from "./readonly-flags.ts";
import type { NodesFlags } from "./run-nodes.ts";

const MINUTE_MS = 60_000;
const CONFIG_HELP = "path of the registry's config.yml (default: see registry-ctl --help)";

/** `readonly on`, `readonly off` and `readonly status`. */
export function readonlyCommand(context: CommandContext): Command {
  const readonly = new Command("readonly")
    .summary("make a running registry read-only for a while")
    .description(
      "Makes a running registry read-only, or ends that. Pulls go on; pushes and deletes are answered 405. Our server changes " +
        "at once, without a restart, and stays so over restarts; another registry is changed by its configuration file and " +
        "started again by what --service names.",
    )
    .addHelpText("after", GROUP_HELP);
  return readonly
    .addCommand(onCommand(context))
    .addCommand(offCommand(context))
    .addCommand(statusCommand(context))
    .addCommand(restoreCommand(context), { hidden: true })
    .addCommand(nodesCommand(context), { hidden: true });
}

function onCommand(context: CommandContext): Command {
  const command = new Command("on")
    .argument("[config]", CONFIG_HELP)
    .summary("refuse writes from now on")
    .description(
      "Refuses writes from now on, and proves it: by a write that is refused and a read that works. If that cannot be " +
        "proved, all is as before.",
    )
    .option("--for <time>", "end it by itself after this time, such as 2h", parseAge)
    .addOption(
      new Option("--timeout <time>", "let uploads under way go on for so long, then cut them off")
        .default(MINUTE_MS, "1m")
        .argParser(parseTimeout),
    );
  withChange(command, "say what would be done; change nothing").addHelpText("after", ON_HELP);
  return command.action(async (config: string | undefined) => {
    const { runReadOnly } = await import("./run-change.ts");
    await runReadOnly(context, true, config, command.optsWithGlobals<ReadOnlyFlags>());
  });
}

function offCommand(context: CommandContext): Command {
  const command = new Command("off")
    .argument("[config]", CONFIG_HELP)
    .summary("take writes again")
    .description("Takes writes again, and proves it.");
  withChange(command, "say what would be done; change nothing").addHelpText("after", OFF_HELP);
  return command.action(async (config: string | undefined) => {
    const { runReadOnly } = await import("./run-change.ts");
    const flags = command.optsWithGlobals<ReadOnlyFlags>();
    await runReadOnly(context, false, config, { ...flags, timeout: 0 });
  });
}

function statusCommand(context: CommandContext): Command {
  const command = withRegistry(
    new Command("status")
      .argument("[config]", CONFIG_HELP)
      .summary("tell whether writes are refused, since when and until when")
      .description("Tells whether writes are refused, since when, until when and why. Changes nothing."),
  ).addHelpText("after", STATUS_HELP);
  return command.action(async (config: string | undefined) => {
    const { runStatus } = await import("./run-status.ts");
    await runStatus(context, config, command.optsWithGlobals<HoldFlags>());
  });
}

/** What watchdogs and timers run: nobody types it. */
function restoreCommand(context: CommandContext): Command {
  const command = new Command("restore")
    .argument("<file>", "the duty that is to be ended")
    .description(
      "Brings back what another command has changed for a time, as written down in a file of the state folder.",
    );
  return command.action(async (file: string) => {
    const { runRestore } = await import("./run-restore.ts");
    await runRestore(context, file, command.optsWithGlobals<HoldFlags>());
  });
}

/** What other commands run to work in the store as the user who owns it. */
function nodesCommand(context: CommandContext): Command {
  const command = new Command("nodes")
    .argument("<verb>", "look, ask or withdraw")
    .description("Asks all servers on a store to refuse writes.")
    .option("--id <id>", "of the request")
    .option("--reason <text>", "what for, for people")
    .option("--by <text>", "who asks, for people")
    .option("--timeout <time>", "let uploads under way go on for so long", parseTimeout)
    .option("--for <time>", "end it by itself after this time", parseAge)
    .option("--own-pid <pid>", "process of the server that is no other one", Number)
    .option("--keep-earlier", "leave an earlier request as it is: it does as well");
  return command.action(async (verb: string) => {
    const { runNodes } = await import("./run-nodes.ts");
    await runNodes(context, verb, command.optsWithGlobals<NodesFlags>());
  });
}

function withChange(command: Command, dryRun: string): Command {
  return withRegistry(
    withDryRun(
      command.option(
        "--persist",
        "change the configuration file too, so that it lasts (shows the change, and asks)",
      ),
      dryRun,
    )
      .addOption(
        new Option(
          "--wait <time>",
          "where GitLab's package writes the configuration, how long to wait until it and the registry have changed",
        )
          .default(10 * MINUTE_MS, "10m")
          .argParser(parseTimeout),
      )
      .option("-y, --yes", "do not ask; needed without a terminal where a file is changed"),
  );
}

function withRegistry(command: Command): Command {
  return withService(command)
    .option("--control-socket <file>", "the server's control socket (default: found by store and address)")
    .option("--key <file>", "private key that tokens are signed with, for the proof where auth.token is on");
}

const GROUP_HELP = `
Examples:
  $ registry-ctl readonly on --for 2h config.yml   refuse writes for two hours
  $ registry-ctl readonly off config.yml           take them again
  $ registry-ctl readonly status config.yml

The help of each command has its exit codes.`;

const ON_HELP = `
Our server keeps the end of its time itself, also over restarts and when this terminal is gone. For another registry a
timer of systemd, or a process in the background, keeps it; after a reboot "registry-ctl recover" does.

Where GitLab's Linux package writes the configuration, an edit would be gone at the next gitlab-ctl reconfigure: the lines
for gitlab.rb are printed, and the command waits until the file and the registry have changed.

Examples:
  $ registry-ctl readonly on --dry-run config.yml                 see what would be done
  $ registry-ctl readonly on --for 2h config.yml                  our server, for two hours
  $ registry-ctl readonly on --persist --yes config.yml           and in config.yml
  $ registry-ctl readonly on --service systemd:docker-registry /etc/docker/registry/config.yml
  $ registry-ctl readonly on --key registry.key config.yml        prove it where tokens are asked for

Exit codes: 0 done (also if it was so already), 1 failed, such as with --persist on a full disk: all is as before, 2 wrong
usage, or an answer was needed and there was no terminal, 10 configuration missing or invalid, 12 it could not be made
read-only, or that could not be proved: all is as before, 129/130/143 stopped by a signal.`;

const OFF_HELP = `
What stands in the configuration file of a server of ours is ended with --persist only.

Examples:
  $ registry-ctl readonly off --dry-run config.yml
  $ registry-ctl readonly off config.yml
  $ registry-ctl readonly off --persist --yes config.yml
  $ registry-ctl readonly off --service runit:registry /etc/docker/registry/config.yml

Exit codes: 0 done (also if it was so already), 1 failed, 2 wrong usage, or an answer was needed and there was no terminal,
10 configuration missing or invalid, 12 the registry does not run, another command holds it read-only, or it does not take
writes again, 129/130/143 stopped by a signal.`;

const STATUS_HELP = `
Examples:
  $ registry-ctl readonly status config.yml
  $ registry-ctl readonly status --json --key registry.key config.yml

Exit codes: 0 it is known, 1 it cannot be told, 2 wrong usage, 3 the registry does not run, 10 configuration missing or
invalid, 12 the control socket may not be used.`;
