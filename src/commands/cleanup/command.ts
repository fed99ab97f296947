import { Command, Option } from "commander";
import { withDryRun } from "../../ui/options/dry-run.ts";
import { withRetries } from "../../ui/options/retries.ts";
import type { CommandContext } from "../context.ts";
import { parsePercent } from "../garbage-collect/parse-flags.ts";
import type { PlanFlags, PolicyFlags, RunFlags } from "./cleanup-flags.ts";
import { CLEANUP_HELP, EXPLAIN_HELP, PLAN_HELP, RUN_HELP } from "./help.ts";
import { listCommand } from "./list-command.ts";
import { parseCount, withPolicies, withSelection } from "./policy-options.ts";
import { setCommand } from "./set-command.ts";

/** `cleanup`: run GitLab's cleanup policies, look at what they would do, and look after them. */
export function cleanupCommand(context: CommandContext): Command {
  return new Command("cleanup")
    .summary("delete old tags by policies")
    .description(
      "Deletes old tags by policies: by GitLab's algorithm, with its keys, from a file or from GitLab itself. Tags only: what " +
        "they leave behind is for garbage-collect -m.",
    )
    .addHelpText("after", CLEANUP_HELP)
    .addCommand(runCommand(context))
    .addCommand(planCommand(context))
    .addCommand(explainCommand(context))
    .addCommand(listCommand(context))
    .addCommand(setCommand(context));
}

function runCommand(context: CommandContext): Command {
  const command = new Command("run")
    .argument("[config]", CONFIG_HELP)
    .summary("delete the tags that no policy keeps")
    .description(
      "Runs cleanup policies: in every repository that a policy is for, deletes the tags that none of its steps keeps. Manifests " +
        "and other tags on the same digest stay. Safe beside a running registry. Never asks: it is for cron.",
    );
  withSelection(withPolicies(command, Date.now()));
  withDryRun(command, "say what would be deleted, as cleanup plan does; delete nothing")
    .addOption(
      new Option(
        "--delete-tags-service-timeout <seconds>",
        "so long the deletions of one repository may take; the rest is for the next run; 0 for no limit (default: limits.delete_tags_service_timeout of the file, or 0)",
      ).argParser(parseCount),
    )
    .option(
      "--max-delete <percent>",
      "delete nothing if more of all tags of these repositories would go, such as 30%",
      parsePercent,
    )
    .option("--skip-if-locked", "do nothing and exit 0 if another run works on the same store");
  withRetries(command).addHelpText("after", RUN_HELP);
  return command.action(async (config: string | undefined) => {
    const { runPolicies } = await import("./run-policies.ts");
    await runPolicies(context, config, command.optsWithGlobals<RunFlags>());
  });
}

function planCommand(context: CommandContext): Command {
  const command = new Command("plan")
    .argument("[config]", CONFIG_HELP)
    .summary("say which tags cleanup run would delete")
    .description(
      "Shows the tags that cleanup run would delete, and how many each step keeps. Changes nothing.",
    );
  withSelection(withPolicies(command, Date.now())).addHelpText("after", PLAN_HELP);
  return command.action(async (config: string | undefined) => {
    const { runPlan } = await import("./run-policies.ts");
    await runPlan(context, config, command.optsWithGlobals<PlanFlags>());
  });
}

function explainCommand(context: CommandContext): Command {
  const command = new Command("explain")
    .argument("<repository:tag>", "the tag, such as group/project:v1")
    .argument("[config]", CONFIG_HELP)
    .summary("say which step of its policy keeps a tag, or that none does")
    .description(
      "Says which policy is for a tag, which of its steps the tag passes, and which one keeps it. Changes nothing.",
    );
  withPolicies(command, Date.now()).addHelpText("after", EXPLAIN_HELP);
  return command.action(async (reference: string, config: string | undefined) => {
    const { runExplain } = await import("./run-explain.ts");
    await runExplain(context, reference, config, command.optsWithGlobals<PolicyFlags>());
  });
}

const CONFIG_HELP = "path of the registry's config.yml (default: see registry-ctl --help)";
