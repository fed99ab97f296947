import { Command, Option } from "commander";
import { withControlSocket } from "../../ui/options/control-socket.ts";
import { withDryRun } from "../../ui/options/dry-run.ts";
import { protectOption } from "../../ui/options/protect.ts";
import { withService } from "../../ui/options/service.ts";
import type { CommandContext } from "../context.ts";
import type { GarbageFlags } from "./garbage-flags.ts";
import {
  parseAge,
  parseConcurrency,
  parsePercent,
  parseRate,
  parseTime,
  parseTimeout,
  parseUntil,
} from "./parse-flags.ts";
import { stateDirOption, statusCommand, stopCommand } from "./run-commands.ts";

const HOUR_MS = 3_600_000;

/** `registry-ctl garbage-collect [config]`: removes what nobody can pull. */
export function garbageCollectCommand(context: CommandContext): Command {
  const command = new Command("garbage-collect")
    .alias("registry-garbage-collect")
    .argument("[config]", "path of the registry's config.yml (default: see registry-ctl --help)")
    .summary("delete what no manifest refers to")
    .description(
      "Deletes blobs and layer links that no manifest needs; with -m also manifests that no tag leads to. " +
        "What an index lists at any depth, and what has a kept manifest as its subject (signatures, SBOMs), is kept. " +
        "Beside a running registry-ctl server it works online: the server goes on taking pushes and pulls. Any other " +
        "registry must be stopped or read-only, or is made so by --mode. A dry run works at any time and changes nothing.",
    )
    .option("-m, --delete-untagged", "delete manifests that no tag leads to")
    .addOption(new Option("--delete-manifests", "the same as --delete-untagged").hideHelp());
  withDryRun(command, "say what would be deleted, and why; delete nothing", "-d, --dryrun")
    .addOption(new Option("-d", "the same as --dry-run").hideHelp())
    .addOption(
      new Option("--grace <time>", "keep what was written within this time")
        .default(HOUR_MS, "1h")
        .argParser(parseAge),
    )
    .option("--untagged-for <time>", "with -m, keep what had a tag within this time, such as 7d", parseAge)
    .option(
      "--max-delete <percent>",
      "stop if more of all bytes or manifests would go, such as 30%",
      parsePercent,
    )
    .addOption(
      new Option(
        "--concurrency <n>",
        "files worked on at a time where the store cannot be worked on in threads, and by --verify (default: 16, on an object store 64)",
      ).argParser(parseConcurrency),
    )
    .option(
      "--until <time>",
      "stop at this time of the day, local time, such as 07:00; the next run goes on",
      parseUntil,
    )
    .addOption(
      new Option(
        "--mode <mode>",
        "what becomes of the registry meanwhile: online (our server goes on), read-only or offline (it is made so, and afterwards what it was)",
      ).choices(["online", "read-only", "offline"]),
    )
    .addOption(
      new Option(
        "--timeout <time>",
        "with --mode read-only or offline, how long uploads under way may go on (default: 30s)",
      ).argParser(parseTimeout),
    )
    .addOption(new Option("--max-ops <n>", "deletions a second, at the most").argParser(parseRate))
    .addOption(protectOption())
    .option("--verify", "look afterwards whether every tag, platform and referrer is complete")
    .option(
      "--textfile <file>",
      "write metrics of this run and of the last success for node_exporter's textfile collector",
    )
    .addOption(stateDirOption())
    .option(
      "--key <file>",
      "private key that tokens are signed with, to ask a registry with auth.token whether it is read-only",
    )
    .option("-y, --yes", "do not ask")
    .option("--allow-empty", "collect although there is no repository, or with -m no tag")
    .option("--force", "do without the proof that the registry is stopped or read-only")
    .option("--skip-if-locked", "do nothing and exit 0 if another run holds the store's lock")
    .addOption(new Option("--collector").hideHelp())
    .addOption(
      new Option("--protected-image <image>")
        .argParser((text: string, previous: string[] | undefined) => [...(previous ?? []), text])
        .hideHelp(),
    )
    .addOption(new Option("--until-ms <n>").argParser(parseTime).hideHelp());
  withControlSocket(withService(command)).addHelpText(
    "after",
    `
Online nothing is read-only, not for a moment: the server lets go of what is to be deleted, slice by slice, and what a
client has pushed, pulled or asked for within gc.reviewafter (24h) stays for a later run. The server's own process collects,
at low priority; Ctrl-C asks it to stop. With several servers on one store it is refused. --mode read-only refuses pushes for
the run, --mode offline stops the registry: both bring back what was before, also after Ctrl-C, and when this command is
killed. A registry that is not ours is restarted for that by what --service names.

What --protect names stays: a manifest with all that it needs, as if it had a tag, and anything else alone.

With -m it asks on a terminal, never without one. Ctrl-C, SIGTERM and SIGHUP stop it between two batches; another run
finishes. "status" says from any terminal how far it is, "stop" ends it; files of these names are given as ./status
and ./stop. Without a terminal there is one line of progress a minute; for cron, --quiet and >/dev/null leave only
warnings and errors to be mailed.

Examples:
  $ registry-ctl garbage-collect -m --dry-run config.yml                      see what would go
  $ registry-ctl garbage-collect -m --untagged-for 7d --max-delete 30% config.yml   for cron
  $ registry-ctl garbage-collect -m --quiet --until 07:00 \\
      --textfile /var/lib/prometheus/node-exporter/registry-gc.prom config.yml   by night, with metrics
  $ registry-ctl garbage-collect -m --verify config.yml                       and prove that all is still there
  $ registry-ctl garbage-collect -m --mode read-only --service systemd:registry config.yml   beside another registry
  $ registry-ctl garbage-collect status config.yml                            how far is it?

Exit codes: 0 done, or stopped by --until or "stop", 1 failed, 2 wrong usage, 3 something could not be listed or
deleted, or the server could not go on with it, 4 --verify found something missing, 10 configuration missing or invalid, 11 store unreachable or denied, 12
the registry takes writes, is locked or looks wrong, 129/130/143 stopped by a signal.`,
  );
  command.addCommand(statusCommand(context)).addCommand(stopCommand(context));
  return command.action(async (configPath: string | undefined) => {
    const { run } = await import("./run.ts");
    await run(context, configPath, command.optsWithGlobals<GarbageFlags>());
  });
}
