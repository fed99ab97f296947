import { Command, Option } from "commander";
import { withRegistry } from "../../ui/options/registry.ts";
import type { CommandContext } from "../context.ts";
import { parseAge } from "../garbage-collect/parse-flags.ts";
import { stateDirOption } from "../garbage-collect/run-commands.ts";
import type { ListFlags } from "./run-list.ts";

/** `tags list`. */
export function listCommand(context: CommandContext): Command {
  const command = new Command("list")
    .argument("<repository...>", "names of repositories")
    .summary("list the tags of repositories")
    .description(
      "Lists tags with their digest, platforms, size, when the image was created and when the tag was last pushed, and the other tags " +
        "on the same digest. Changes nothing; safe beside a running registry.",
    )
    .option("--match <re2>", "only tags whose whole name matches this regular expression")
    .addOption(
      new Option("--older-than <time>", "only tags that are older, such as 30d or 12h").argParser(parseAge),
    )
    .addOption(
      new Option("--age-by <date>", "by which date a tag is older")
        .choices(["pushed", "created"])
        .default("pushed"),
    )
    .addOption(
      new Option("--sort <by>", "order: dates the newest first, sizes the largest first")
        .choices(["created", "pushed", "name", "size"])
        .default("name"),
    )
    .addOption(
      new Option("--format <format>", "names: nothing but names, one a line, from nothing but a listing")
        .choices(["table", "csv", "json", "names"])
        .default("table"),
    )
    .addOption(stateDirOption());
  withRegistry(
    command,
    "list the tags of the registry at this address, over HTTP; nobody there knows pushes",
  ).addHelpText("after", LIST_HELP);
  return command.action(async (repositories: string[]) => {
    const { runListCommand } = await import("./run-list.ts");
    await runListCommand(context, repositories, command.optsWithGlobals<ListFlags>());
  });
}

const LIST_HELP = `
The size is that of the manifest, its config and its layers, for an index with all its images, each once. Tags of an index have no
creation date of their own. With several repositories, names have the repository in front: group/app:v1.

Examples:
  $ registry-ctl tags list -c config.yml group/app
  $ registry-ctl tags list -c config.yml --older-than 90d --sort size group/app group/web
  $ registry-ctl tags list -c config.yml --format names group/app > list_o_tags.out
  $ sed -i '/^v/d' list_o_tags.out
  $ registry-ctl tags delete -c config.yml --from-file list_o_tags.out group/app
  $ registry-ctl tags list --registry https://registry.example.com --sort created group/app

Exit codes: 0 done, 1 failed, 2 wrong usage, 3 something of a tag cannot be read, 10 configuration missing or invalid, 11
store unreachable or denied, 12 the registry keeps its metadata in a database, 129/130/143 stopped by a signal.`;
