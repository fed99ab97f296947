import { Command } from "commander";
import type { CommandContext } from "../context.ts";
import { deleteCommand } from "./delete-command.ts";
import { listCommand } from "./list-command.ts";
import { restoreCommand } from "./restore/command.ts";
import { setCommand } from "./set/command.ts";

/** `tags list`, `tags delete`, `tags set`, `tags restore`. */
export function tagsCommand(context: CommandContext): Command {
  return new Command("tags")
    .summary("list tags, delete them by the thousand, and put them back")
    .description(
      "Lists, deletes, sets and restores tags. Only tags are deleted, never manifests or layers: those go with the next garbage-collect, with -m, " +
        "if no tag and no index needs them any more.",
    )
    .addHelpText("after", TAGS_HELP)
    .addCommand(listCommand(context))
    .addCommand(deleteCommand(context))
    .addCommand(setCommand(context))
    .addCommand(restoreCommand(context));
}

const TAGS_HELP = `
Examples:
  $ registry-ctl tags list -c config.yml group/app                       what there is
  $ registry-ctl tags delete -c config.yml --dry-run group/app v1 v2     what would go
  $ registry-ctl tags restore -c config.yml --dry-run group/app:v1       what it was before

The help of each command has its exit codes.`;
