import { Command, InvalidArgumentError, Option } from "commander";
import type { CommandContext } from "../context.ts";
import { parseTime } from "./parse-time.ts";
import type { HistoryFlags } from "./run.ts";

const DEFAULT_LIMIT = 100;

/** `registry-ctl history [config]`: tells who did what. */
export function historyCommand(context: CommandContext): Command {
  const nowMs = Date.now();
  const command = new Command("history")
    .argument("[config]", "path of the registry's config.yml (default: see registry-ctl --help)")
    .summary("tell who overwrote or deleted what, and which commands were run")
    .description(
      "Tells what clients of the running server have overwritten and deleted (tags, manifests and blobs, with the digests before and " +
        "after), and which commands of registry-ctl have changed something on this host, by whom, and how they ended. The newest come last. " +
        "Changes nothing.",
    )
    .option("--repository <name>", "only what happened in this repository and those below it")
    .option("--tag <tag>", "only what happened to tags of this name")
    .option(
      "--actor <name>",
      "only what this user did: name in a token or of a password, or a user of this host",
    )
    .addOption(
      new Option(
        "--since <time>",
        "only from this time on, such as 2026-11-21T16:30 (UTC) or 7d for the last week",
      ).argParser((text: string) => parseTime(text, nowMs)),
    )
    .addOption(
      new Option("--until <time>", "only up to this time, as for --since").argParser((text: string) =>
        parseTime(text, nowMs),
      ),
    )
    .addOption(
      new Option("--limit <n>", "the newest so many; 0 for all").default(DEFAULT_LIMIT).argParser(parseLimit),
    )
    .addHelpText(
      "after",
      `
The server writes its audit into the state folder of the store on its own host: with several nodes, ask on each of them. Of a
tag that was deleted, the digest that it had is told: registry-ctl tags restore sets it back to that, until a
collection with -m removes it. Commands are written down in journal.jsonl of the state folder, for root in
/var/lib/registry-ctl; who may not read that sees his own.

Examples:
  $ registry-ctl history config.yml                                        the last hundred
  $ registry-ctl history --repository group/app --tag latest config.yml    what happened to this tag?
  $ registry-ctl history --actor alice --since 7d config.yml
  $ registry-ctl history --json --limit 0 config.yml | jq '.entries[] | select(.action == "tag-delete")'

Exit codes: 0 done, also if nothing is known, 1 failed, 2 wrong usage, 3 something of it cannot be read, 10 configuration
missing or invalid, 129/130/143 stopped by a signal.`,
    );
  return command.action(async (configPath: string | undefined) => {
    const { runHistory } = await import("./run.ts");
    await runHistory(context, configPath, command.optsWithGlobals<HistoryFlags>());
  });
}

function parseLimit(text: string): number {
  const limit = Number(text);
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError("It is a number; 0 stands for all.");
  return limit;
}
