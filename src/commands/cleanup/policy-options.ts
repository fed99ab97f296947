import { type Command, InvalidArgumentError, Option } from "commander";
import { withGitLab } from "../../ui/options/gitlab.ts";
import { protectOption } from "../../ui/options/protect.ts";
import { withRegistry } from "../../ui/options/registry.ts";
import { parseConcurrency } from "../garbage-collect/parse-flags.ts";
import { stateDirOption } from "../garbage-collect/run-commands.ts";
import { parseTime } from "../history/parse-time.ts";
import { repeated } from "./repeated.ts";

/** Adds what every command that reads policies takes: where they are, where the tags are, and the day. */
export function withPolicies(command: Command, nowMs: number): Command {
  command.option("--policies <file>", "file with the policies; see registry-ctl cleanup --help");
  withGitLab(command, "whose projects' policies are taken in the place of a file");
  withRegistry(command, "speak to the registry at this address over HTTP, not to its store");
  return command
    .addOption(
      new Option(
        "--as-of <date>",
        "try the policies as if it were this day, such as 2026-12-24 (UTC) or 2026-12-24T18:00; nothing is deleted",
      ).argParser((text: string) => parseTime(text, nowMs)),
    )
    .addOption(
      new Option(
        "--max-list-size <n>",
        "look at so many tags of a repository in a run, and keep_n more; 0 for all (default: limits.max_list_size of the file, or 0)",
      ).argParser(parseCount),
    )
    .addOption(protectOption())
    .addOption(stateDirOption());
}

/** Adds what says which policies are run. */
export function withSelection(command: Command): Command {
  return command
    .addOption(
      new Option(
        "--project <path>",
        "only the repositories of this project, such as group/project; may be given more than once",
      ).argParser(repeated),
    )
    .option("--due", "only policies whose cadence has passed since they ran, or that were left unfinished")
    .addOption(
      new Option(
        "--worker-capacity <n>",
        "repositories worked on at a time (default: limits.worker_capacity of the file, or 4)",
      ).argParser(parseConcurrency),
    );
}

/** @returns a whole number, 0 included */
export function parseCount(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError("It is a whole number; 0 is no limit.");
  return Number(text);
}
