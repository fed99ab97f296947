import { type Digest, isDigest } from "../../../oci/digest.ts";
import { describeActor } from "../../../state/actor.ts";
import type { CommandEntry, HistoryEntry, ServerEntry } from "../../history/history-entry.ts";
import { type HistorySources, readHistory } from "../../history/read-history.ts";
import type { TagEvent } from "./tag-past.ts";

/** What was written down of a tag, and what of that could not be read. */
export interface ReadTagEvents {
  /** The oldest first. */
  events: TagEvent[];
  /** For people: each says what may be missing. */
  problems: string[];
}

/** An audit is written within so much of the change that a command has ended with. */
const SAME_CHANGE_MS = 2_000;

/**
 * Reads what servers and commands have written down of one tag.
 *
 * @throws {CancelledError} when `signal` is aborted
 */
export async function readTagEvents(
  sources: HistorySources,
  { repository, tag }: { repository: string; tag: string },
  signal?: AbortSignal,
): Promise<ReadTagEvents> {
  const history = await readHistory(sources, { repository, tag, limit: 0, signal });
  const problems = history.unread.map(({ path, problem }) => `${path} cannot be read: ${problem}`);
  if (history.damagedLines > 0) problems.push(`${history.damagedLines} lines of the history are damaged`);
  const audited: TagEvent[] = [];
  const commands: CommandEntry[] = [];
  let lost = 0;
  try {
    for await (const entry of history.entries()) {
      if (entry.source !== "command" && entry.action === "lost") lost += entry.count ?? 1;
      else if (entry.repository !== repository || entry.tag !== tag) continue;
      else if (entry.source === "command") commands.push(entry);
      else audited.push(...eventOf(entry));
    }
  } finally {
    history.close();
  }
  if (lost > 0) problems.push(`${lost} records of the audit were lost`);
  const events = [...audited, ...commands.flatMap((entry) => commandEvent(entry, audited))];
  return { events: events.sort((one, other) => one.ms - other.ms), problems };
}

function eventOf(entry: ServerEntry): TagEvent[] {
  const { action, time, before, after, actor, ranBy } = entry;
  const by = ranBy ? describeActor(ranBy) : actor;
  const ms = Date.parse(time);
  const was = before !== undefined && isDigest(before) ? before : undefined;
  if (action === "tag-delete") return [{ ms, before: was, after: "none", by }];
  if (after === undefined || !isDigest(after)) return [];
  if (action === "tag-overwrite") return [{ ms, before: was, after, by }];
  return action === "tag-set" ? [{ ms, before: was ?? "none", after, by }] : [];
}

/** What a command says of a change, where no audit does. */
function commandEvent(entry: HistoryEntry & CommandEntry, audited: readonly TagEvent[]): TagEvent[] {
  const { outcome, time, endedAt, before, after, actor } = entry;
  if (outcome !== "done" || (before === undefined && after === undefined)) return [];
  const ms = Date.parse(endedAt ?? time);
  const was = asDigest(before);
  const is = asDigest(after) ?? (after === undefined && was !== undefined ? "none" : undefined);
  if (is === undefined) return [];
  const isKnown = audited.some(
    (event) => event.after === is && event.ms >= Date.parse(time) && event.ms <= ms + SAME_CHANGE_MS,
  );
  return isKnown ? [] : [{ ms, before: was, after: is, by: describeActor(actor) }];
}

function asDigest(text: string | undefined): Digest | undefined {
  return text !== undefined && isDigest(text) ? text : undefined;
}
