import { Command, Option } from "commander";
import type { CommandContext } from "../context.ts";
import { stateDirOption } from "../garbage-collect/run-commands.ts";
import type { ListManifestsFlags } from "./run-list.ts";

/** `manifests list`. */
export function manifestsCommand(context: CommandContext): Command {
  return new Command("manifests")
    .summary("list manifests, also those that have lost their tags")
    .description("Lists the manifests of a repository, also those that have lost their tags.")
    .addHelpText("after", MANIFESTS_HELP)
    .addCommand(listCommand(context));
}

function listCommand(context: CommandContext): Command {
  const command = new Command("list")
    .argument("<repository>", "name of the repository")
    .summary("list the manifests of a repository")
    .description(
      "Lists manifests with their media type, platforms, size, creation date, labels and tags, and the tag that each had last, as far as the " +
        "history of commands and servers and what is left in the store tell. Changes nothing; safe beside a running registry.",
    )
    .option("--untagged", "only those to which no tag leads: what garbage-collect -m would remove")
    .addOption(
      new Option("--format <format>", "how they are printed")
        .choices(["table", "csv", "json"])
        .default("table"),
    )
    .addOption(stateDirOption())
    .addHelpText("after", LIST_HELP);
  return command.action(async (repository: string) => {
    const { runListManifests } = await import("./run-list.ts");
    await runListManifests(context, repository, command.optsWithGlobals<ListManifestsFlags>());
  });
}

const MANIFESTS_HELP = `
Examples:
  $ registry-ctl manifests list -c config.yml --untagged group/app    what has lost its tags?

The help of each command has its exit codes.`;

const LIST_HELP = `
What somebody has deleted by mistake is in the list of --untagged until a garbage-collect -m removes it; those that had a tag last come
first. Tags of an index lead to all that it lists, and tags of an image to its signatures.

Examples:
  $ registry-ctl manifests list -c config.yml group/app
  $ registry-ctl manifests list -c config.yml --untagged group/app
  $ registry-ctl tags set -c config.yml group/app:v1 sha256:...         put one back

Exit codes: 0 done, 1 failed, 2 wrong usage, 3 something cannot be read, 10 configuration missing or invalid, 11 store
unreachable or denied, 12 the registry keeps its metadata in a database, 129/130/143 stopped by a signal.`;
