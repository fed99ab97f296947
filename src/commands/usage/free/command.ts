import { Command, InvalidArgumentError, Option } from "commander";
import { refuseParentOptions } from "../../../ui/options/refuse-parent-options.ts";
import type { CommandContext } from "../../context.ts";
import { parseAge } from "../../garbage-collect/parse-flags.ts";
import { stateDirOption } from "../../garbage-collect/run-commands.ts";
import { graceOption, withProjects } from "../shared-options.ts";
import { parseSize } from "../usage-flags.ts";
import type { FreeFlags } from "./run.ts";

const OLD_MS = 90 * 24 * 3_600_000;

/** `usage free SIZE [config]`: proposes what to delete so that so much becomes free. */
export function usageFreeCommand(context: CommandContext): Command {
  const command = new Command("free")
    .argument("<size>", "how much is wanted, such as 500GB (by 1000) or 500GiB (by 1024)", parseWanted)
    .argument("[config]", "path of the registry's config.yml (default: see registry-ctl --help)")
    .summary("propose what to delete so that so much becomes free")
    .description(
      "Proposes what frees the wanted amount, what nobody misses first: abandoned uploads, blobs that no manifest needs, manifests " +
        "without a tag, old tags, and then as few other tags, or projects, as can be found; each with the bytes that it frees after the " +
        "steps before it, and with the commands that do it. Changes nothing and needs no lock, so that it is safe beside a " +
        "running registry.",
    )
    .addOption(
      new Option(
        "--older-than <time>",
        "tags that were not set for so long are old, such as 30d or 8760h; the oldest go first",
      )
        .default(OLD_MS, "90d")
        .argParser(parseAge),
    )
    .addOption(
      new Option(
        "--last <what>",
        "what goes last: the fewest tags, or the fewest projects with all their tags",
      )
        .choices(["tags", "projects"])
        .default("tags"),
    )
    .option(
      "--protect <file>",
      "never propose what would remove the images in this file, such as those that run: a reference or digest a line",
    )
    .option("--commands", "print the commands only, as a script for a shell, which asks nothing");
  withProjects(command)
    .addOption(graceOption("what was written within this time stays, as with garbage-collect"))
    .addOption(stateDirOption())
    .addHelpText("after", FREE_HELP);
  return command.action(async (wantedBytes: number, config: string | undefined) => {
    refuseParentOptions(command);
    const { runFree } = await import("./run.ts");
    await runFree(context, wantedBytes, config, command.optsWithGlobals<FreeFlags>());
  });
}

function parseWanted(text: string): number {
  const bytes = parseSize(text);
  if (bytes === 0) throw new InvalidArgumentError("It is more than 0.");
  return bytes;
}

const FREE_HELP = `
Never proposed: protected images, tags named latest (unless --last projects takes their whole project), tags that were set
within the grace period, anything of a repository in which something is damaged, and the last tag of the store. With
--protect, give the same file to the commands that are proposed: they are printed so.

Examples:
  $ registry-ctl usage free 500GB config.yml
  $ registry-ctl usage free 500GB --older-than 365d --protect running.txt config.yml
  $ registry-ctl usage free 2TiB --last projects config.yml
  $ registry-ctl usage free 500GB --commands config.yml > free.sh     look at it, then run it

Exit codes: 0 there is a way, 1 failed, 2 wrong usage, 3 something is damaged or cannot be read: what it may need is not
proposed, so that more might be possible, 4 so much cannot be freed, 10 configuration missing or invalid, 11 store
unreachable or denied, 12 the registry keeps its metadata in a database, 129/130/143 stopped by a signal.`;
