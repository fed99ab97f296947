import { join } from "node:path";
import { RegistryStateError } from "../../../errors.ts";
import { printable } from "../../../lib/printable.ts";
import type { Digest } from "../../../oci/digest.ts";
import { readHistoryLinks } from "../../../operations/tags/restore/read-history-links.ts";
import { readTagEvents } from "../../../operations/tags/restore/read-tag-events.ts";
import {
  candidatesOf,
  chooseAt,
  chooseLast,
  type TagChoice,
  type TagPast,
} from "../../../operations/tags/restore/tag-past.ts";
import { type PlannedTag, planTag } from "../../../operations/tags/set-tag.ts";
import { registryUserOf } from "../../../process/machine/registry-user.ts";
import { journalFoldersOf, stateFoldersOf } from "../../../process/state/find-state.ts";
import { Registry } from "../../../registry/registry.ts";
import { AUDIT_FILE, AUDIT_FOLDER } from "../../../state/audit-log.ts";
import { COMMAND_JOURNAL_FILE } from "../../../state/command-journal.ts";
import type { StorageDriver } from "../../../storage/driver.ts";
import type { CommandContext } from "../../context.ts";
import { openForPointing } from "../set/open-for-pointing.ts";
import { type PointFlags, pointTag } from "../set/point-tag.ts";
import type { TagReference } from "../set/tag-reference.ts";
import { renderCandidates, renderRestored } from "./render-restored.ts";

/** What the command line of `tags restore` says. */
export interface RestoreFlags extends PointFlags {
  to?: Digest;
  /** In milliseconds since 1970. */
  at?: number;
}

/** Runs `tags restore`. */
export async function runRestore(
  context: CommandContext,
  reference: TagReference,
  flags: RestoreFlags,
): Promise<void> {
  const warn = (text: string): void => void context.stderr.write(`warning: ${printable(text)}\n`);
  // As whoever runs this: root may read what the registry's user may not.
  const written = await readWritten(context, reference, flags);
  for (const problem of written.problems) warn(problem);
  const opened = await openForPointing(context, flags, "tags restore", reference);
  try {
    const past = await readPast(opened.driver, reference, written.events, context.signal);
    const choice = chosen(past, flags);
    const name = `${reference.repository}:${reference.tag}`;
    if ("unclear" in choice) {
      tellCandidates(context, past, flags);
      throw new RegistryStateError(`it is not clear what ${name} is to point to: ${choice.unclear}`, {
        hint: "name the manifest with --to; registry-ctl manifests list --untagged tells which there are",
      });
    }
    if (!candidatesOf(past).some(({ digest }) => digest === choice.digest))
      warn(`${name} is not known to have pointed to ${choice.digest}`);
    let planned: PlannedTag;
    try {
      planned = await planTag(opened.driver, { ...reference, digest: choice.digest }, context.signal);
    } catch (error) {
      if (error instanceof RegistryStateError) tellCandidates(context, past, flags);
      throw error;
    }
    const report = await pointTag(context, opened, planned, flags);
    const why = choice.why === undefined ? {} : { why: choice.why };
    const result = { ...report, command: "tags restore", ...why, candidates: toldOf(past) };
    context.report(result, renderRestored, flags);
  } finally {
    opened.close();
  }
}

function chosen(past: TagPast, { to, at }: RestoreFlags): TagChoice {
  if (to !== undefined) return { digest: to, why: undefined };
  return at === undefined ? chooseLast(past) : chooseAt(past, at);
}

async function readWritten(
  context: CommandContext,
  reference: TagReference,
  flags: RestoreFlags,
): ReturnType<typeof readTagEvents> {
  const config = await context.loadConfig({ flags, silent: true });
  const { storage } = config.settings;
  const folders = stateFoldersOf(storage, flags.stateDir, await registryUserOf(config));
  const journals = new Set([...journalFoldersOf(folders, flags.stateDir), ...folders]);
  return readTagEvents(
    {
      audits: folders.map((folder) => join(folder, AUDIT_FOLDER, AUDIT_FILE)),
      journals: [...journals].map((folder) => join(folder, COMMAND_JOURNAL_FILE)),
    },
    reference,
    context.signal,
  );
}

async function readPast(
  driver: StorageDriver,
  { repository, tag }: TagReference,
  events: TagPast["events"],
  signal: AbortSignal,
): Promise<TagPast> {
  const links = await readHistoryLinks(driver, repository, tag, signal);
  const now = await new Registry(driver).repository(repository).tags.pointsTo(tag);
  return { now, events, links };
}

/** So many are told. */
const MAX_TOLD = 20;

function toldOf(
  past: TagPast,
): { digest: string; last: string; known: string; source: string; by?: string }[] {
  return candidatesOf(past)
    .slice(0, MAX_TOLD)
    .map(({ digest, lastMs, known, source, by }) => ({
      ...{ digest, last: new Date(lastMs).toISOString(), known, source },
      ...(by === undefined ? {} : { by }),
    }));
}

function tellCandidates(context: CommandContext, past: TagPast, flags: RestoreFlags): void {
  const told = toldOf(past);
  if (told.length > 0) context.notice(renderCandidates(told, past.now), flags);
}
