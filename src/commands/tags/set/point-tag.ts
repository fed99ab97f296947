import { messageOf } from "../../../lib/message-of.ts";
import type { PlannedTag } from "../../../operations/tags/set-tag.ts";
import { setTagInStore } from "../../../operations/tags/set-tag.ts";
import { currentMachine } from "../../../process/machine/run-process.ts";
import { isDryRun } from "../../../ui/options/dry-run.ts";
import type { CommandContext, StorageFlags } from "../../context.ts";
import type { OpenedForPointing } from "./open-for-pointing.ts";

/** What the command line of `tags set` and `tags restore` says of how to go about it. */
export interface PointFlags extends StorageFlags {
  dryRun?: boolean;
  dryrun?: boolean;
  yes?: boolean;
  controlSocket?: string;
}

/** What became of a tag, or would. */
export interface PointedTag {
  schemaVersion: 1;
  dryRun: boolean;
  repository: string;
  tag: string;
  /** Digest that it pointed to, or `unreadable`; left out where there was no such tag. */
  before?: string;
  after: string;
  mediaType: string;
  /** False: it pointed there already. */
  changed: boolean;
  /** Who has changed it, or would. */
  through: "server" | "store";
}

/**
 * Points a tag to a manifest, through the server of ours where one works on the store; asks before it is overwritten.
 *
 * @throws {RegistryStateError} if something lacks by now, the tag has been changed meanwhile, or the store is locked
 * @throws {UsageError} if it would be overwritten, and there is no terminal to ask on
 */
export async function pointTag(
  context: CommandContext,
  { command, driver, server, recorder }: OpenedForPointing,
  planned: PlannedTag,
  flags: PointFlags,
): Promise<PointedTag> {
  const { repository, tag, digest, before, mediaType } = planned;
  const dryRun = isDryRun(flags);
  const told = before === "none" ? {} : { before };
  const report: PointedTag = {
    ...{ schemaVersion: 1, dryRun, repository, tag, ...told, after: digest, mediaType },
    ...{ changed: before !== digest, through: server === undefined ? "store" : "server" },
  };
  if (!report.changed || dryRun) return report;
  const name = `${repository}:${tag}`;
  if (before !== "none") {
    const was = before === "unreadable" ? "has a broken link" : `points to ${before}`;
    await context.confirm(`${name} ${was}. Point it to ${digest}?`, flags);
  }
  await context.recordChange({ ...told, after: digest });
  if (server !== undefined) {
    const by = { command, ranBy: await context.actor() };
    await server.setTag({ repository, tag, digest, before, by });
    return report;
  }
  const warn = (text: string): void => void context.stderr.write(`warning: ${text}\n`);
  await setTagInStore(
    {
      ...{ driver, holder: currentMachine(), nowMs: Date.now },
      ...{ watcher: recorder.of(repository), onWarning: warn },
    },
    planned,
    context.signal,
  );
  try {
    recorder.sync();
  } catch (error) {
    warn(`the history may not tell of this: ${messageOf(error)}`);
  }
  return report;
}
