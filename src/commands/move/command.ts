import { Command, Option } from "commander";
import { withControlSocket } from "../../ui/options/control-socket.ts";
import { withDryRun } from "../../ui/options/dry-run.ts";
import { withService } from "../../ui/options/service.ts";
import type { CommandContext } from "../context.ts";
import { parseTimeout } from "../garbage-collect/parse-flags.ts";
import { stateDirOption } from "../garbage-collect/run-commands.ts";
import type { MoveFlags } from "./move-flags.ts";

/** `registry-ctl move OLD NEW`: gives a repository, or all of a project, another name without copying a layer. */
export function moveCommand(context: CommandContext): Command {
  const command = new Command("move")
    .argument("[old]", "name of the repository, or with --project of what is above the repositories")
    .argument("[new]", "the name that it is to have")
    .summary("give a repository or a whole project another name; no layer is copied")
    .description(
      "Gives a repository, or with --project all at and below a name, another name: with all tags, their history and all " +
        "manifests. Nothing but links is written, so that it takes seconds whatever the layers weigh. Whatever stops it, " +
        "everything can be pulled by one of both names, and the same command does the rest. Works beside a running " +
        "registry-ctl server, which holds pushes to both names meanwhile (503 with Retry-After); any other registry must be " +
        "stopped or read-only.",
    )
    .option("--project", "all repositories at and below OLD, which go to and below NEW")
    .option("--merge", "NEW may be there already; a tag that both have must point to the same manifest")
    .option("--hold", "park the repositories under no name, until --finish")
    .option("--finish", "take what is parked, and put it under NEW")
    .option("--back", "take what is parked, and put it back under OLD")
    .option("--status", "show what is parked, and what was not finished; change nothing")
    .addOption(
      new Option(
        "--mode <mode>",
        "what becomes of the registry meanwhile, read-only or offline; afterwards it is what it was",
      ).choices(["read-only", "offline"]),
    )
    .addOption(
      new Option("--timeout <time>", "how long pushes under way may go on (default: 30s)").argParser(
        parseTimeout,
      ),
    )
    .option(
      "--key <file>",
      "private key that tokens are signed with, to ask a registry with auth.token whether it is read-only",
    )
    .option("--force", "do without the proof that the registry is stopped or read-only; needs a terminal")
    .option("-y, --yes", "do not ask")
    .addOption(stateDirOption());
  withDryRun(command, "say exactly what would be moved; change nothing");
  withControlSocket(withService(command)).addHelpText("after", MOVE_HELP);
  return command.action(async (old: string | undefined, target: string | undefined) => {
    const { runMoveCommand } = await import("./run.ts");
    const names = [old, target].filter((name) => name !== undefined);
    await runMoveCommand(context, names, command.optsWithGlobals<MoveFlags>());
  });
}

const MOVE_HELP = `
Uploads that were not finished stay under the old name. What names the old repository elsewhere is not changed: GitLab's
database, manifests of Kubernetes, FROM lines.

GitLab refuses to rename a project whose repositories have tags: park them with --hold, rename the project there, and put
them under the new name with --finish. What is parked is kept by every collection, and can be pulled by nobody.

Examples:
  $ registry-ctl move --dry-run -c config.yml group/old group/new             what would be moved
  $ registry-ctl move --yes -c config.yml group/old group/new                 one repository
  $ registry-ctl move --project -c config.yml old/group new/group             a project with all its repositories
  $ registry-ctl move --hold --project -c config.yml old/group new/group      park them, then rename the project in GitLab
  $ registry-ctl move --finish -c config.yml                                  and put them under the new name

Exit codes: 0 done, 1 failed, 2 wrong usage, no such repository, or neither a terminal nor --yes, 10 configuration missing
or invalid, 11 store unreachable or denied, 12 the new name is there already, the registry takes writes, the store is
locked, or a metadata database is in use, 129/130/143 stopped by a signal: run the same command again.`;
