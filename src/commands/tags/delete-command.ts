import { Command, InvalidArgumentError, Option } from "commander";
import { withDryRun } from "../../ui/options/dry-run.ts";
import { protectOption } from "../../ui/options/protect.ts";
import { withRegistry } from "../../ui/options/registry.ts";
import { withRetries } from "../../ui/options/retries.ts";
import type { CommandContext } from "../context.ts";
import { parseAge, parseRate } from "../garbage-collect/parse-flags.ts";
import { stateDirOption } from "../garbage-collect/run-commands.ts";
import type { DeleteFlags } from "./run-delete.ts";

/** `tags delete`. */
export function deleteCommand(context: CommandContext): Command {
  const command = new Command("delete")
    .argument("<repository>", "name of the repository")
    .argument("[tag...]", "tags to delete")
    .summary("delete tags, by name or by rules")
    .description(
      "Deletes tags: those that are named, those in a file, or those that match. Nothing but tags goes: other tags on the same digest stay, " +
        "and so do manifests and layers, which the next garbage-collect -m removes. Safe beside a running registry, ours or another, and " +
        "beside a collection.",
    );
  withDryRun(command, "say which tags would go; delete nothing")
    .option("-y, --yes", "do not ask for confirmation", false)
    .option("--from-file <file>", "delete the tags named in this file, one a line; - is standard input")
    .option("--match <re2>", "delete the tags whose whole name matches this regular expression")
    .option("--keep <re2>", "with --match: but not those whose whole name matches this one")
    .addOption(
      new Option("--older-than <time>", "with --match: only what is older, such as 30d or 12h").argParser(
        parseAge,
      ),
    )
    .addOption(
      new Option(
        "--keep-newest <n>",
        "with --match: so many of those that match, the newest, stay",
      ).argParser(parseCount),
    )
    .addOption(
      new Option(
        "--age-by <date>",
        "which date counts: when the tag was pushed, or when its image was created, which reproducible builds set to 1970",
      )
        .choices(["pushed", "created"])
        .default("pushed"),
    )
    .addOption(protectOption())
    .addOption(
      new Option("--rate <n/s>", "delete so many tags a second at the most, such as 10/s").argParser(
        parsePerSecond,
      ),
    )
    .option("--log <file>", "append a line of JSON for each tag that is deleted")
    .addOption(stateDirOption());
  withRetries(command);
  withRegistry(
    command,
    "delete from the registry at this address, over HTTP; refused where it cannot delete a tag alone",
  ).addHelpText("after", DELETE_HELP);
  return command.action(async (repository: string, tags: string[]) => {
    const { runDeleteCommand } = await import("./run-delete.ts");
    await runDeleteCommand(context, repository, tags, command.optsWithGlobals<DeleteFlags>());
  });
}

function parseCount(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError("It is a number.");
  return Number(text);
}

function parsePerSecond(text: string): number {
  return parseRate(text.replace(/\/s$/, ""));
}

const DELETE_HELP = `
Without a terminal it needs --yes. The tag latest goes only when it is named, on the command line or in the file. A tag that points to
another digest by the time it is to go stays, and is told; one whose date cannot be read stays too. What fails for a reason that may
pass is tried again, and remembered in the end: see registry-ctl deletions. Each tag that goes is written down with its digest: see
registry-ctl history. Ctrl-C stops between two batches; another run deletes the rest. No lock is taken: a collection that runs at the same time keeps what the tags needed
until the next one.

Examples:
  $ registry-ctl tags delete -c config.yml --dry-run --match 'dev-.*' --older-than 30d group/app    see what would go
  $ registry-ctl tags delete -c config.yml --match 'dev-.*' --keep 'dev-main.*' --keep-newest 10 group/app
  $ registry-ctl tags delete --registry https://registry.example.com --match 'dev-.*' --older-than 30d --age-by created group/app
  $ registry-ctl tags delete -c config.yml --from-file list_o_tags.out --yes --log deleted.jsonl group/app
  $ registry-ctl tags delete -c config.yml group/app v1 latest

Exit codes: 0 done, also if some of the tags did not exist or have been pushed anew, 1 failed, 2 wrong usage, or no terminal and no
--yes, 3 something could not be deleted, or a date or manifest not be read, 10 configuration missing or invalid, 11 store unreachable or denied, 12
the registry keeps its metadata in a database, or one on this host has another store, or it cannot delete a tag alone over HTTP, 129/130/143 stopped by a signal.`;
