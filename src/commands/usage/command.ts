import { Command, Option } from "commander";
import { SORT_KEYS, USAGE_KINDS } from "../../operations/usage/usage-report.ts";
import { protectOption } from "../../ui/options/protect.ts";
import { withRegistry } from "../../ui/options/registry.ts";
import { repeated } from "../cleanup/repeated.ts";
import type { CommandContext } from "../context.ts";
import { parseConcurrency } from "../garbage-collect/parse-flags.ts";
import { stateDirOption } from "../garbage-collect/run-commands.ts";
import { parseTime } from "../history/parse-time.ts";
import { usageExplainCommand } from "./explain/command.ts";
import { usageFreeCommand } from "./free/command.ts";
import { USAGE_HELP } from "./help-text.ts";
import { graceOption, withProjects } from "./shared-options.ts";
import { FORMATS, parseSize, parseTop, type UsageFlags } from "./usage-flags.ts";

/** `registry-ctl usage [config]`: who uses which bytes of a store. */
export function usageCommand(context: CommandContext): Command {
  const command = new Command("usage")
    .argument("[config]", "path of the registry's config.yml (default: see registry-ctl --help)")
    .summary("tell which project uses how much of the store")
    .description(
      "Tells how many bytes of the store each project, repository, tag, layer or media type uses: as GitLab's console counts them, " +
        "without repetitions, shared with others, its own (what deleting it frees), and what garbage-collect -m would free. One pass " +
        "over the store that changes nothing; safe beside a running registry.",
    )
    .addOption(new Option("--by <what>", "what rows stand for").choices(USAGE_KINDS).default(USAGE_KINDS[0]));
  withProjects(command)
    .addOption(
      new Option("--sort <key>", "by what rows are sorted (default: size, with gitlab-csv gitlab)").choices(
        SORT_KEYS,
      ),
    )
    .addOption(
      new Option("--top <n>", "the first so many rows; 0 for all (default: all, by layer 100)").argParser(
        parseTop,
      ),
    )
    .addOption(
      new Option(
        "--since <time>",
        "only what was pushed since, such as 2026-11-21, 2026-11-21T16:30 (UTC) or 7d for the last week",
      ).argParser((text: string) => parseTime(text, Date.now())),
    )
    .addOption(
      new Option("--over <size>", "only what is larger, such as 10GB; exit 4 if anything is").argParser(
        parseSize,
      ),
    )
    .addOption(
      new Option("--format <format>", "how it is printed; --json is the same as json")
        .choices(FORMATS)
        .default("table"),
    )
    .addOption(graceOption("count what was written within this time as kept, as garbage-collect does"))
    .addOption(
      new Option(
        "--concurrency <n>",
        "files read at a time where the store cannot be read in threads (default: 16, on an object store 64)",
      ).argParser(parseConcurrency),
    )
    .addOption(protectOption())
    .addOption(stateDirOption());
  withRegistry(
    command,
    "count what tags of the registry at this address need, over HTTP; nothing else is seen there",
  )
    .addOption(
      new Option(
        "--repository <name>",
        "with --registry: only this repository; may be repeated (default: all that the registry lists)",
      ).argParser(repeated),
    )
    .addHelpText("after", USAGE_HELP);
  command.addCommand(usageExplainCommand(context)).addCommand(usageFreeCommand(context));
  return command.action(async (config: string | undefined) => {
    const { runUsageCommand } = await import("./run.ts");
    await runUsageCommand(context, config, command.optsWithGlobals<UsageFlags>());
  });
}
