import { Command, Option } from "commander";
import { GITLAB_KEEP_N, GITLAB_OLDER_THAN } from "../../operations/cleanup/gitlab/policy-values.ts";
import { CADENCES } from "../../operations/cleanup/policy.ts";
import { withDryRun } from "../../ui/options/dry-run.ts";
import { withGitLab } from "../../ui/options/gitlab.ts";
import type { CommandContext } from "../context.ts";
import { repeated } from "./repeated.ts";
import type { SetFlags } from "./run-set.ts";

const NONE = "none";

/** `cleanup set`. */
export function setCommand(context: CommandContext): Command {
  const command = new Command("set")
    .summary("write cleanup policies to GitLab")
    .description(
      "Writes a cleanup policy to projects of GitLab. Values that are not given stay as they are; a project that has no policy " +
        "yet gets GitLab's defaults for them. Shows what changes before it asks. Nothing is deleted by it, until GitLab or cleanup run runs the policies.",
    )
    .addOption(
      new Option("--all", "every project of GitLab that is not archived and has its registry switched on"),
    )
    .addOption(
      new Option("--project <path>", "this project; may be given more than once").argParser(repeated),
    )
    .option("--without-policy", "of these only projects that have no policy, or one that is not enabled")
    .option("--enabled", "enable the policy")
    .addOption(new Option("--disabled", "disable the policy").conflicts("enabled"))
    .addOption(new Option("--cadence <time>", "how often it runs").choices([...CADENCES]))
    .addOption(
      new Option("--keep-n <number>", "how many of the newest tags stay").choices([
        ...GITLAB_KEEP_N.map(String),
        NONE,
      ]),
    )
    .addOption(
      new Option("--older-than <time>", "only tags that are older go").choices([...GITLAB_OLDER_THAN, NONE]),
    )
    .option("--name-regex-delete <re2>", "only tags that match go; .* means every name, an empty text none")
    .option("--name-regex-keep <re2>", "tags that match stay; an empty text takes the pattern away");
  withDryRun(
    withGitLab(command, "whose projects' policies are written"),
    "show what would change; change nothing",
  );
  command.option("-y, --yes", "do not ask for confirmation", false).addHelpText("after", SET_HELP);
  return command.action(async () => {
    const { runSetCommand } = await import("./run-set.ts");
    await runSetCommand(context, command.optsWithGlobals<SetFlags>());
  });
}

const SET_HELP = `
Safe beside a running registry: it speaks to GitLab only. The token needs the scope api, and is an administrator's, or that
of a maintainer of the projects. --all with a token that is no administrator's means the projects of which its user is a
member. Ctrl-C stops between two projects; another run does what is left.

Examples:
  $ registry-ctl cleanup set --gitlab https://gitlab.example.com --all --without-policy --enabled --dry-run
  $ registry-ctl cleanup set --gitlab https://gitlab.example.com --project group/app --enabled --cadence 7d \\
      --keep-n 10 --older-than 30d --name-regex-delete '.*' --name-regex-keep '(main|v[0-9].*)'

Exit codes: 0 done, 1 failed, 2 wrong usage, or confirmation needed without a terminal, 3 some projects failed,
129/130/143 stopped by a signal.`;
