import { Command } from "commander";
import type { CommandContext } from "../context.ts";
import { deleteCommand } from "./delete-command.ts";
import { listCommand } from "./list-command.ts";

/** `tags list`, `tags delete`. */
export function tagsCommand(context: CommandContext): Command {
  return new Command("tags")
    .summary("list tags, and delete them by the thousand")
    .description(
      "Lists and deletes tags. Only tags are deleted, never manifests or layers: those go with the next garbage-collect, with -m, " +
        "if no tag and no index needs them any more.",
    )
    .addHelpText("after", TAGS_HELP)
    .addCommand(listCommand(context))
    .addCommand(deleteCommand(context));
}

const TAGS_HELP = `
Examples:
  $ registry-ctl tags list -c config.yml group/app                       what there is
  $ registry-ctl tags delete -c config.yml --dry-run group/app v1 v2     what would go

The help of each command has its exit codes.`;
