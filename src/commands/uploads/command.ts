import { Command, Option } from "commander";
import { withDryRun } from "../../ui/options/dry-run.ts";
import type { CommandContext } from "../context.ts";
import { parseAge, parseConcurrency } from "../garbage-collect/parse-flags.ts";
import { stateDirOption } from "../garbage-collect/run-commands.ts";
import type { ListFlags } from "./run-list.ts";
import type { PurgeFlags } from "./run-purge.ts";

/** `uploads purge` and `uploads list`. */
export function uploadsCommand(context: CommandContext): Command {
  return new Command("uploads")
    .summary("look after uploads that were never finished")
    .description(
      "Looks after uploads that clients have begun and not finished, on a disk or in a bucket. A running registry of ours " +
        "purges them by itself, as storage.maintenance.uploadpurging says.",
    )
    .addHelpText("after", UPLOADS_HELP)
    .addCommand(purgeCommand(context))
    .addCommand(listCommand(context));
}

function purgeCommand(context: CommandContext): Command {
  const command = new Command("purge")
    .argument("[config]", CONFIG_HELP)
    .summary("delete uploads that were abandoned")
    .description(
      "Deletes uploads to which nothing was written for some time, also those that do not say when they were begun, and parts " +
        "that were left in a bucket without an upload. Nothing but the files of an upload is touched. Safe beside a running " +
        "registry, as long as --older-than is 1h or more.",
    );
  withDryRun(command, "say what would be deleted; delete nothing")
    .addOption(
      new Option(
        "--older-than <time>",
        "only what was begun, and last written to, longer ago, such as 12h or 7d (default: storage.maintenance.uploadpurging.age, which is 168h unless it is set)",
      ).argParser(parseAge),
    )
    .addOption(
      new Option("--concurrency <n>", "uploads worked on at a time (default: as suits the store)").argParser(
        parseConcurrency,
      ),
    )
    .option(
      "--key <file>",
      "private key that tokens are signed with, to ask a registry with auth.token whether it is read-only",
    )
    .option(
      "--force",
      "with --older-than under 1h, do without the proof that the registry is stopped or read-only",
    )
    .option("--skip-if-locked", "do nothing and exit 0 if another run holds the store's lock")
    .addOption(stateDirOption())
    .addHelpText("after", PURGE_HELP);
  return command.action(async (config: string | undefined) => {
    const { runPurgeCommand } = await import("./run-purge.ts");
    await runPurgeCommand(context, config, command.optsWithGlobals<PurgeFlags>());
  });
}

function listCommand(context: CommandContext): Command {
  const command = new Command("list")
    .argument("[config]", CONFIG_HELP)
    .summary("list uploads that are not finished")
    .description(
      "Lists uploads that are not finished, those that are being written at this moment included. Changes nothing.",
    )
    .addOption(
      new Option(
        "--older-than <time>",
        "only what was last written to longer ago, such as 12h or 7d",
      ).argParser(parseAge),
    )
    .addOption(stateDirOption())
    .addHelpText("after", LIST_HELP);
  return command.action(async (config: string | undefined) => {
    const { runListCommand } = await import("./run-list.ts");
    await runListCommand(context, config, command.optsWithGlobals<ListFlags>());
  });
}

const CONFIG_HELP = "path of the registry's config.yml (default: see registry-ctl --help)";

const UPLOADS_HELP = `
Examples:
  $ registry-ctl uploads list config.yml              what there is
  $ registry-ctl uploads purge --dry-run config.yml   what would go

The help of each command has its exit codes.`;

const PURGE_HELP = `
It never asks. What was written to within the last hour may be in use, by a slow client or through another node: for less
than 1h the registry must be stopped or read-only. Ages are measured by the store's clock. Ctrl-C stops it between two
uploads; another run deletes the rest.

Examples:
  $ registry-ctl uploads purge --dry-run config.yml                      see what would go
  $ registry-ctl uploads purge --quiet --older-than 168h config.yml      for cron
  $ registry-ctl uploads purge --older-than 24h --skip-if-locked config.yml

Exit codes: 0 done, 1 failed, 2 wrong usage, 3 something could not be listed or deleted, 10 configuration missing or
invalid, 11 store unreachable or denied, 12 the store is locked, or less than 1h was asked for and the registry takes
writes, 129/130/143 stopped by a signal.`;

const LIST_HELP = `
Examples:
  $ registry-ctl uploads list config.yml
  $ registry-ctl uploads list --older-than 7d --json config.yml

Exit codes: 0 done, 1 failed, 2 wrong usage, 3 something could not be listed, 10 configuration missing or invalid, 11
store unreachable or denied, 129/130/143 stopped by a signal.`;
