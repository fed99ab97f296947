import { Command, Option } from "commander";
import { refuseParentOptions } from "../../../ui/options/refuse-parent-options.ts";
import type { CommandContext } from "../../context.ts";
import { stateDirOption } from "../../garbage-collect/run-commands.ts";
import { graceOption, withProjects } from "../shared-options.ts";
import { parseTop } from "../usage-flags.ts";
import type { ExplainFlags } from "./run.ts";

/** `usage explain PROJECT [config]`: what a project consists of, and with whom it shares that. */
export function usageExplainCommand(context: CommandContext): Command {
  const command = new Command("explain")
    .argument("<project>", "a project, a group of projects, or a repository: all repositories below it count")
    .argument("[config]", "path of the registry's config.yml (default: see registry-ctl --help)")
    .summary("tell a project's largest layers, and with whom it shares them")
    .description(
      "Tells how much of a project nobody else keeps, with which projects it shares how much, and its largest layers: the tags that need each, " +
        "and who keeps it besides. Changes nothing and needs no lock, so that it is safe beside a running registry.",
    )
    .addOption(
      new Option("--top <n>", "the largest so many layers; 0 for all (default: 20)").argParser(parseTop),
    );
  withProjects(command)
    .addOption(graceOption("count what was written within this time as kept, as garbage-collect does"))
    .addOption(stateDirOption())
    .addHelpText("after", EXPLAIN_HELP);
  return command.action(async (project: string, config: string | undefined) => {
    refuseParentOptions(command);
    const { runExplain } = await import("./run.ts");
    await runExplain(context, project, config, command.optsWithGlobals<ExplainFlags>());
  });
}

const EXPLAIN_HELP = `
Kept is what garbage-collect keeps: what manifests refer to, those without a tag too. A layer is shared if a repository
outside keeps it as well; it is stored once, and deleting the project does not free it.

Examples:
  $ registry-ctl usage explain group/project config.yml             its twenty largest layers
  $ registry-ctl usage explain group --top 100 config.yml           a whole group
  $ registry-ctl usage explain group/project --json config.yml

Exit codes: 0 done, 1 failed, 2 wrong usage or no such project, 3 something is damaged or cannot be read, so that numbers
are uncertain, 10 configuration missing or invalid, 11 store unreachable or denied, 12 the registry keeps its metadata in a
database, 129/130/143 stopped by a signal.`;
