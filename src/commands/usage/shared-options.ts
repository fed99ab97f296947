import { type Command, Option } from "commander";
import { withGitLab } from "../../ui/options/gitlab.ts";
import { parseAge } from "../garbage-collect/parse-flags.ts";
import { parseDepth } from "./usage-flags.ts";

const HOUR_MS = 3_600_000;

/** Adds the options that say which part of a repository's name is the project. */
export function withProjects(command: Command): Command {
  command
    .addOption(
      new Option(
        "--depth <n>",
        "segments of a repository's name that are taken for the project where nothing tells it (default: 2)",
      ).argParser(parseDepth),
    )
    .option(
      "--projects <file>",
      "list of projects, one path a line, - for standard input: a repository belongs to the longest that begins its name",
    );
  return withGitLab(command, "for the ids of projects, and which part of a name is the project");
}

/** `--grace`. */
export function graceOption(effect: string): Option {
  return new Option("--grace <time>", effect).default(HOUR_MS, "1h").argParser(parseAge);
}
