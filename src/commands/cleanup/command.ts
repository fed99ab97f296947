import { Command } from "commander";
import type { CommandContext } from "../context.ts";
import { listCommand } from "./list-command.ts";
import { setCommand } from "./set-command.ts";

/** `cleanup`: run GitLab's cleanup policies, look at what they would do, and look after them. */
export function cleanupCommand(context: CommandContext): Command {
  return new Command("cleanup")
    .summary("delete old tags by policies")
    .description(
      "Deletes tags by policies, as GitLab's cleanup policies do it. Policies are in a file, or in GitLab.",
    )
    .addCommand(listCommand(context))
    .addCommand(setCommand(context));
}
