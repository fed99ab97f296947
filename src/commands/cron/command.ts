import { Command, InvalidArgumentError, Option } from "commander";
import { type CronSchedule, parseCronSchedule } from "../../lib/cron-schedule.ts";
import { messageOf } from "../../lib/message-of.ts";
import { withDryRun } from "../../ui/options/dry-run.ts";
import type { CommandContext } from "../context.ts";
import type { PlaceFlags } from "./places.ts";
import type { InstallFlags } from "./run-install.ts";
import type { RemoveFlags } from "./run-remove.ts";

/** `cron show`, `cron install`, `cron remove`, and what the installed line runs. */
export function cronCommand(context: CommandContext): Command {
  return new Command("cron")
    .summary("collect garbage by the clock")
    .description(
      "Installs, shows and removes a scheduled garbage collection: a file for cron, or a timer of systemd. What is run prints " +
        "nothing unless it fails, leaves another run be, and never deletes more than 30% of the registry.",
    )
    .addHelpText("after", CRON_HELP)
    .addCommand(showCommand(context))
    .addCommand(installCommand(context))
    .addCommand(removeCommand(context))
    .addCommand(runCommand(context), { hidden: true });
}

function showCommand(context: CommandContext): Command {
  return new Command("show")
    .summary("show what collects garbage by the clock on this host")
    .description(
      "Shows the installed cron file or timer, and other lines that collect the garbage of a registry: of gitlab-ctl, of the Go " +
        "registry, in crontabs, scripts and units. Changes nothing.",
    )
    .addOption(prefixOption())
    .addHelpText("after", SHOW_HELP)
    .action(async (_flags: unknown, command: Command) => {
      const { runShow } = await import("./run-show.ts");
      runShow(context, command.optsWithGlobals<PlaceFlags>());
    });
}

function installCommand(context: CommandContext): Command {
  const command = new Command("install")
    .argument("[config]", "path of the registry's config.yml (default: see registry-ctl --help)")
    .summary("collect garbage by the clock, weekly unless told otherwise")
    .description(
      "Writes /etc/cron.d/registry-garbage-collect, or a timer of systemd, with absolute paths. Lines of gitlab-ctl or of the Go " +
        "registry that collect the same garbage are shown and switched off: two collections never stand side by side.",
    )
    .addOption(
      new Option("--schedule <fields>", "when, as crontab(5) says it, in local time")
        .default(parseCronSchedule("5 4 * * 0"), '"5 4 * * 0"')
        .argParser(parseSchedule),
    )
    .option(
      "-m, --delete-untagged",
      "delete manifests that no tag leads to, a week after they lost their tag",
    )
    .option("--systemd-timer", "a timer and a service of systemd, instead of a cron file")
    .option("--mode <mode>", "offline, read-only or online, as garbage-collect takes it")
    .option(
      "--untagged-for <time>",
      "with -m, how long manifests are kept after they lost their tag (default: 7d)",
    )
    .option("--max-delete <percent>", "do nothing if more of all bytes or manifests would go (default: 30%)")
    .option("--until <time>", "stop at this time of the day, such as 07:00; the next run goes on")
    .option("--textfile <file>", "write metrics for node_exporter's textfile collector")
    .option("--key <file>", "private key that tokens are signed with, to ask a registry with auth.token")
    .option("--state-dir <dir>", "folder for what is remembered beside the store")
    .addOption(prefixOption())
    .option("-y, --yes", "do not ask")
    .addHelpText("after", INSTALL_HELP);
  return withDryRun(command, "show what would be written; change nothing").action(
    async (config: string | undefined) => {
      const { runInstall } = await import("./run-install.ts");
      await runInstall(context, config, command.optsWithGlobals<InstallFlags>());
    },
  );
}

function removeCommand(context: CommandContext): Command {
  const command = new Command("remove")
    .summary("remove the cron file or the timer that install has made")
    .description(
      "Removes what install has made. Other lines stay as they are, those that it has switched off too.",
    )
    .addOption(prefixOption())
    .option("-y, --yes", "do not ask")
    .addHelpText("after", REMOVE_HELP);
  return withDryRun(command, "show what would be removed; change nothing").action(async () => {
    const { runRemove } = await import("./run-remove.ts");
    await runRemove(context, command.optsWithGlobals<RemoveFlags>());
  });
}

function runCommand(context: CommandContext): Command {
  return new Command("run")
    .argument("<words...>", "a command of this program, behind --")
    .summary("run a command that says nothing unless it fails")
    .description(
      "What the installed line runs: another command of this program, of which nothing is heard unless it fails. Then what it " +
        "said is told, and its exit code is given back.",
    )
    .addHelpText("after", RUN_HELP)
    .action(async (words: string[]) => {
      const { runFromCron } = await import("./run-from-cron.ts");
      await runFromCron(context, words);
    });
}

function prefixOption(): Option {
  return new Option("--prefix-dir <dir>", "folder that stands for /, to prepare an image or another host");
}

function parseSchedule(text: string): CronSchedule {
  try {
    return parseCronSchedule(text);
  } catch (error) {
    if (error instanceof RangeError) throw new InvalidArgumentError(messageOf(error));
    throw error;
  }
}

const CRON_HELP = `
Examples:
  $ registry-ctl cron install --dry-run -m config.yml   see what would be written
  $ registry-ctl cron install -m config.yml             Sundays at 04:05
  $ registry-ctl cron show

The help of each command has its exit codes.`;

const SHOW_HELP = `
Examples:
  $ registry-ctl cron show
  $ registry-ctl cron show --json | jq .others

Exit codes: 0 done, whether or not something is installed, 1 a crontab cannot be read, 2 wrong usage.`;

const INSTALL_HELP = `
A file of the same name that somebody else has made is kept beside it as FILE.TIME.bak~. The line has the places
of node and of this program as they are now: install it again when they move. How the last run ended is told by
"registry-ctl status" and "registry-ctl garbage-collect status".

Examples:
  $ registry-ctl cron install --dry-run -m /etc/distribution/config.yml
  $ registry-ctl cron install -m --schedule "30 2 * * *" --until 06:00 /etc/distribution/config.yml
  $ registry-ctl cron install -m --systemd-timer --yes /etc/distribution/config.yml
  $ registry-ctl cron install -m --prefix-dir /srv/image --yes /etc/distribution/config.yml

Exit codes: 0 done, also if it was installed already, 1 a file cannot be read or written, 2 wrong usage, or nobody to ask
and no --yes, 10 configuration missing or invalid, 12 a script or unit collects the same garbage, 130 answered no.`;

const REMOVE_HELP = `
Examples:
  $ registry-ctl cron remove --dry-run
  $ registry-ctl cron remove --yes

Exit codes: 0 done, also if nothing was installed, 1 a file cannot be removed, 2 wrong usage, or nobody to ask and no
--yes, 130 answered no.`;

const RUN_HELP = `
Examples:
  $ registry-ctl cron run -- garbage-collect --dry-run --quiet config.yml
  $ registry-ctl cron run -- garbage-collect -m --quiet --skip-if-locked config.yml

Exit codes: those of the command.`;
