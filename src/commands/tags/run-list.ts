import { UsageError } from "../../errors.ts";
import { printable } from "../../lib/printable.ts";
import { compilePattern } from "../../lib/re2-pattern.ts";
import { writeChunks } from "../../lib/write-chunks.ts";
import { isRepositoryName } from "../../oci/reference.ts";
import type { AgeBy } from "../../operations/tags/choose-tags.ts";
import { type ListedTags, listTags, type TagOrder } from "../../operations/tags/list-tags.ts";
import type { CommandContext } from "../context.ts";
import { refusePushDates } from "../over-http/refuse-push-dates.ts";
import { openTagSource, type TagSourceFlags } from "./open-tag-source.ts";
import { renderListCsv, renderListJson, renderListTable, renderNames } from "./render-list.ts";

/** What the command line of `tags list` says. */
export interface ListFlags extends TagSourceFlags {
  match?: string;
  /** In milliseconds. */
  olderThan?: number;
  ageBy: AgeBy;
  sort: TagOrder;
  format: "table" | "csv" | "json" | "names";
}

const READ_IN_PART = 3;

/** Runs `tags list`. */
export async function runListCommand(
  context: CommandContext,
  repositories: readonly string[],
  flags: ListFlags,
): Promise<void> {
  for (const repository of repositories) checkRepository(repository);
  refusePushDates(flags, pushDateOption(flags), "count by --age-by created, and sort by --sort created");
  const format = flags.json ? "json" : flags.format;
  const match = flags.match === undefined ? undefined : compilePattern(flags.match, { anchored: "whole" });
  const { source, close } = await openTagSource(context, undefined, flags, {
    command: "tags list",
    access: "look",
  });
  const progress = context.progress("reading tags", flags);
  const listed: ListedTags[] = [];
  try {
    for (const repository of new Set(repositories)) {
      progress.update(`reading the tags of ${repository}`);
      const { olderThan, ageBy, sort } = flags;
      listed.push(
        await listTags(source, repository, {
          ...{ match, olderThanMs: olderThan, ageBy, order: sort, nowMs: Date.now() },
          wantsFacts: format !== "names",
          signal: context.signal,
        }),
      );
    }
  } finally {
    progress.stop();
    close();
  }
  warn(context, listed);
  const text = { names: renderNames, csv: renderListCsv, table: renderListTable, json: renderListJson }[
    format
  ];
  await writeChunks(context.stdout, text(listed, source.location), context.signal);
  context.signal.throwIfAborted();
  if (listed.some(({ broken, unreadable }) => broken.length + unreadable.length > 0))
    context.setExitCode(READ_IN_PART);
}

function pushDateOption({ olderThan, ageBy, sort }: ListFlags): string | undefined {
  if (sort === "pushed") return "--sort pushed";
  return olderThan !== undefined && ageBy === "pushed" ? "--older-than by --age-by pushed" : undefined;
}

/** @throws {UsageError} */
export function checkRepository(name: string): void {
  if (isRepositoryName(name)) return;
  throw new UsageError(`${JSON.stringify(name.slice(0, 300))} is no name of a repository`, {
    hint: "the configuration file is named by --config; a tag stands behind the repository, with a space",
  });
}

function warn(context: CommandContext, listed: readonly ListedTags[]): void {
  const tell = (text: string): void => void context.stderr.write(`warning: ${printable(text)}\n`);
  for (const { repository, count, broken, unreadable } of listed) {
    if (count === 0) tell(`${repository} has no tags, or does not exist`);
    for (const name of broken) tell(`${repository}:${name} has a broken link: nobody can pull it`);
    for (const { name, reason } of unreadable) tell(`${repository}:${name} cannot be read: ${reason}`);
  }
}
