import { Command } from "commander";
import { withDryRun } from "../../ui/options/dry-run.ts";
import { protectOption } from "../../ui/options/protect.ts";
import { withRegistry } from "../../ui/options/registry.ts";
import { withRetries } from "../../ui/options/retries.ts";
import type { CommandContext } from "../context.ts";
import type { DeletionsFlags } from "./open-deletions.ts";
import type { RetryFlags } from "./run-retry.ts";

/** `deletions list`, `deletions retry`. */
export function deletionsCommand(context: CommandContext): Command {
  return new Command("deletions")
    .summary("tell which tags could not be deleted, and try again")
    .description(
      "Looks after deletions that failed. A tag that tags delete or cleanup run cannot delete is tried again, ten times unless " +
        "--retries says otherwise, after waits that grow; then it is remembered as delete_failed in the state folder of the store.",
    )
    .addHelpText("after", DELETIONS_HELP)
    .addCommand(listCommand(context))
    .addCommand(retryCommand(context));
}

function listCommand(context: CommandContext): Command {
  const command = new Command("list")
    .argument("[repository...]", "only what failed in these (default: in all)")
    .summary("list what could not be deleted")
    .description(
      "Lists the tags that could not be deleted, by repository, with why not and whether the next run tries them again. " +
        "Changes nothing, and needs no store.",
    );
  withRegistry(command, "what failed at the registry at this address, over HTTP").addHelpText(
    "after",
    LIST_HELP,
  );
  return command.action(async (repositories: string[]) => {
    const { runListDeletions } = await import("./run-list.ts");
    await runListDeletions(context, repositories, command.optsWithGlobals<DeletionsFlags>());
  });
}

function retryCommand(context: CommandContext): Command {
  const command = new Command("retry")
    .argument("[repository...]", "what failed in these")
    .summary("set what could not be deleted back to delete_scheduled")
    .description(
      "Sets what could not be deleted back to delete_scheduled: the next tags delete or cleanup run of the repository deletes it, " +
        "and with --now this command does. Only tags go that still point to what they pointed to when they were to be deleted.",
    )
    .option("--all", "what failed in all repositories")
    .option("--now", "delete it at once")
    .addOption(protectOption())
    .option("-y, --yes", "with --now: do not ask");
  withRetries(withDryRun(command, "say what would be tried again; change nothing"));
  withRegistry(command, "what failed at the registry at this address, over HTTP").addHelpText(
    "after",
    RETRY_HELP,
  );
  return command.action(async (repositories: string[]) => {
    const { runRetryDeletions } = await import("./run-retry.ts");
    await runRetryDeletions(context, repositories, command.optsWithGlobals<RetryFlags>());
  });
}

const DELETIONS_HELP = `
Examples:
  $ registry-ctl deletions list -c config.yml                 what could not be deleted, and why
  $ registry-ctl deletions retry -c config.yml --all          the next run is to try again

The help of each command has its exit codes.`;

const LIST_HELP = `
Every deletion is delete_failed (all attempts have failed) or delete_scheduled (the next run tries it). What has gone by
other ways is forgotten when somebody tries to delete it.

Examples:
  $ registry-ctl deletions list -c config.yml
  $ registry-ctl deletions list -c config.yml --json group/app | jq '.deletions[] | select(.state == "delete_failed")'

Exit codes: 0 done, 1 failed, 2 wrong usage, 10 configuration missing or invalid, 129/130/143 stopped by a signal.`;

const RETRY_HELP = `
Safe beside a running registry, as tags delete is: only tags go, never manifests or layers. A tag that points elsewhere by
now, or is gone, is not to be deleted any more, and is forgotten. What --protect spares stays scheduled. With --now it asks
on a terminal; without one --yes is needed.

Examples:
  $ registry-ctl deletions retry -c config.yml group/app             the next run tries again
  $ registry-ctl deletions retry -c config.yml --all --now --dry-run what would be deleted now?
  $ registry-ctl deletions retry -c config.yml --all --now --yes

Exit codes: 0 done, also if there is nothing, 1 failed, 2 wrong usage, 3 something could not be deleted again, or not be read, 10
configuration missing or invalid, 11 store unreachable or denied, 12 the registry keeps its metadata in a database, or
a registry of this host uses another store, 129/130/143 stopped by a signal.`;
