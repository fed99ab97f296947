import { Command } from "commander";
import { withGitLab } from "../../ui/options/gitlab.ts";
import { withRegistry } from "../../ui/options/registry.ts";
import type { CommandContext } from "../context.ts";
import { stateDirOption } from "../garbage-collect/run-commands.ts";
import type { ListFlags } from "./run-list.ts";

/** `cleanup list`. */
export function listCommand(context: CommandContext): Command {
  const command = new Command("list")
    .argument("[config]", "path of the registry's config.yml (default: see registry-ctl --help)")
    .summary("list projects that use the registry, with their policies")
    .description(
      "Lists the projects that have repositories in the registry, with their cleanup policies and when these run next. Changes nothing.",
    )
    .option("--without-policy", "only projects that have no policy, or one that is not enabled")
    .option("--policies <file>", "the file that policies are in");
  withGitLab(command, "whose projects' policies are listed").option(
    "--ask-gitlab",
    "with --gitlab: ask GitLab which projects have repositories, a request for each, rather than look into the store",
  );
  withRegistry(command, "take the repositories from the catalog of this registry rather than from the store")
    .addOption(stateDirOption())
    .addHelpText("after", LIST_HELP);
  return command.action(async (config: string | undefined) => {
    const { runListCommand } = await import("./run-list.ts");
    await runListCommand(context, config, command.optsWithGlobals<ListFlags>());
  });
}

const LIST_HELP = `
Safe beside a running registry. Which part of a repository's name is the project, GitLab knows, or the file of policies;
otherwise the first two components are taken for it, and marked with a question mark. A token with the scope read_api is
enough; that of an administrator sees every project.

Examples:
  $ registry-ctl cleanup list --gitlab https://gitlab.example.com config.yml
  $ registry-ctl cleanup list --without-policy --policies policies.yml config.yml
  $ registry-ctl cleanup list --without-policy --gitlab https://gitlab.example.com --ask-gitlab --json

Exit codes: 0 done, 1 failed, 2 wrong usage, 3 some projects could not be asked for, 10 configuration or file of policies
missing or invalid, 11 store unreachable or denied, 12 repositories are in a metadata database, 129/130/143 stopped by a
signal.`;
