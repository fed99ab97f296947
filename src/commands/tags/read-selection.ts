import { UsageError } from "../../errors.ts";
import { compilePattern } from "../../lib/re2-pattern.ts";
import type { AgeBy } from "../../operations/tags/choose-tags.ts";
import type { TagSelection } from "../../operations/tags/plan-deletion.ts";
import { readNames } from "../../operations/tags/read-names.ts";
import type { CommandContext } from "../context.ts";
import { chunksOf } from "./read-protect-file.ts";

/** What of a command line says which tags are meant. */
export interface SelectionFlags {
  fromFile?: string;
  match?: string;
  keep?: string;
  /** In milliseconds. */
  olderThan?: number;
  keepNewest?: number;
  ageBy: AgeBy;
  protect?: string;
}

/**
 * Finds out which tags are meant: exactly one of names, a file and a pattern says it.
 *
 * @throws {UsageError} if none does, several do, a file cannot be read or a pattern is wrong
 */
export async function readSelection(
  context: Pick<CommandContext, "cwd" | "stdin">,
  tags: readonly string[],
  flags: SelectionFlags,
  nowMs: number,
): Promise<TagSelection> {
  const { fromFile, match, keep, olderThan, keepNewest, ageBy } = flags;
  const ways = [tags.length > 0, fromFile !== undefined, match !== undefined].filter((isGiven) => isGiven);
  if (ways.length !== 1) {
    throw new UsageError(
      ways.length === 0
        ? "which tags are to go is not said"
        : "tags, --from-file and --match cannot be given together",
      {
        hint: "name the tags behind the repository, or give --from-file or --match; --match '.*' means all of them",
      },
    );
  }
  if (match === undefined) {
    const isRule = keep !== undefined || olderThan !== undefined || keepNewest !== undefined;
    if (isRule) throw new UsageError("--keep, --older-than and --keep-newest go with --match only");
    if (fromFile === "-" && flags.protect === "-")
      throw new UsageError("--from-file and --protect cannot both read standard input");
    const chunks = fromFile === undefined ? asLines(tags) : chunksOf(context, fromFile, "--from-file");
    const names = await readNames(chunks);
    const [wrong] = names.invalid;
    if (fromFile === undefined && wrong) throw new UsageError(`${wrong.text} is no name of a tag`);
    return { names };
  }
  return {
    rules: {
      match: compilePattern(match, { anchored: "whole" }),
      keep: keep === undefined ? undefined : compilePattern(keep, { anchored: "whole" }),
      ...{ olderThanMs: olderThan, keepNewest, ageBy, nowMs },
    },
  };
}

async function* asLines(tags: readonly string[]): AsyncGenerator<string> {
  for (const tag of tags) yield `${tag.replaceAll("\n", "?") || "?"}\n`;
}
