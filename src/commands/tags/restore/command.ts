import { Argument, Command, Option } from "commander";
import { withControlSocket } from "../../../ui/options/control-socket.ts";
import { withDryRun } from "../../../ui/options/dry-run.ts";
import type { CommandContext } from "../../context.ts";
import { parseTime } from "../../history/parse-time.ts";
import { POINT_HELP } from "../set/command.ts";
import { parseDigestArgument, parseTagReference, type TagReference } from "../set/tag-reference.ts";
import type { RestoreFlags } from "./run-restore.ts";

/** `tags restore`. */
export function restoreCommand(context: CommandContext): Command {
  const nowMs = Date.now();
  const command = new Command("restore")
    .addArgument(
      new Argument("<repository:tag>", "the tag that was overwritten or deleted").argParser(
        parseTagReference,
      ),
    )
    .summary("set a tag back to what it pointed to before")
    .description(
      "Sets a tag back to what it pointed to just before it was last changed, or at a time: one that was overwritten by the links " +
        "of its history in the store, and by what servers and commands of ours have written down; one that was deleted by the " +
        "latter alone. Possible as long as no collection has taken the manifest.",
    )
    .addOption(
      new Option("--to <digest>", "what it is to point to, where it has pointed to several manifests")
        .argParser(parseDigestArgument)
        .conflicts("at"),
    )
    .addOption(
      new Option(
        "--at <time>",
        "what it pointed to then, such as 2026-11-21T16:30 (UTC) or 2d for two days ago",
      ).argParser((text: string) => parseTime(text, nowMs)),
    );
  withDryRun(command, "say what it would point to; change nothing").option(
    "-y, --yes",
    "do not ask before a tag is overwritten",
  );
  withControlSocket(command).addHelpText("after", RESTORE_HELP);
  return command.action(async (reference: TagReference) => {
    const { runRestore } = await import("./run-restore.ts");
    await runRestore(context, reference, command.optsWithGlobals<RestoreFlags>());
  });
}

const RESTORE_HELP = `
Where that is not clear, because nothing is known of the time, or the times of the history's links were lost when the store was
copied, nothing is changed and all that is known is listed, the last first: choose one with --to. A server of ours writes
down what clients overwrite and delete into the state folder on its own host.
${POINT_HELP}

Examples:
  $ registry-ctl tags restore group/app:v1 --dry-run              what would it point to?
  $ registry-ctl -c config.yml tags restore group/app:v1
  $ registry-ctl tags restore group/app:v1 --at 2026-11-21T16:30
  $ registry-ctl tags restore group/app:v1 --to sha256:0c4e…

Exit codes: 0 done, also if it points there already, 1 failed, 2 wrong usage, or a tag would be overwritten and nobody
can be asked, 10 configuration missing or invalid, 11 store unreachable or denied, 12 it is not clear what it pointed
to, the manifest is collected or lacks something, the tag has been changed meanwhile, the registry is read-only or the store is
locked, 129/130/143 stopped by a signal.`;
