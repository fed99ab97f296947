import { printableJson, printableLine } from "../../lib/printable.ts";
import type { CommandEntry, HistoryEntry, ServerEntry } from "../../operations/history/history-entry.ts";
import type { History } from "../../operations/history/read-history.ts";
import { describeActor } from "../../state/actor.ts";

const HEADINGS = ["TIME", "WHO", "WHAT", "OF", "HOW"];
/** `sha256:` and twelve digits, as Docker shows digests. */
const SHORT_DIGEST_CHARS = 19;

/** Few writes, and yet little in memory. */
const CHUNK_CHARS = 64 * 1024;

/**
 * Gives the entries as an aligned table, piece by piece: there may be millions of them, which are read once for the widths of the
 * columns and once more. Clients have sent what they tell, so no value can pass for another line.
 */
export async function* renderHistory({
  count,
  entries,
}: Pick<History, "count" | "entries">): AsyncGenerator<string> {
  if (count === 0) yield "nothing is known\n";
  else yield* inChunks(tableOf(entries));
}

/** Gives the document of `--json`, on one line, piece by piece. */
export async function* renderHistoryJson({
  entries,
  hasMore,
  damagedLines,
  unread,
}: Omit<History, "close" | "count">): AsyncGenerator<string> {
  const end = { hasMore, damagedLines, unread };
  yield '{"schemaVersion":1,"entries":[';
  yield* inChunks(listOf(entries));
  yield `],${printableJson(end).slice(1)}\n`;
}

async function* tableOf(entries: History["entries"]): AsyncGenerator<string> {
  const widths = HEADINGS.map((heading) => heading.length);
  for await (const entry of entries()) {
    for (const [column, text] of rowOf(entry).entries())
      widths[column] = Math.max(widths[column] ?? 0, text.length);
  }
  const line = (row: readonly string[]): string =>
    `${row
      .map((text, column) => text.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd()}\n`;
  yield line(HEADINGS);
  for await (const entry of entries()) yield line(rowOf(entry).map(printableLine));
}

async function* listOf(entries: History["entries"]): AsyncGenerator<string> {
  let comma = "";
  for await (const entry of entries()) {
    yield comma + printableJson(entry);
    comma = ",";
  }
}

async function* inChunks(texts: AsyncIterable<string>): AsyncGenerator<string> {
  let chunk = "";
  for await (const text of texts) {
    chunk += text;
    if (chunk.length < CHUNK_CHARS) continue;
    yield chunk;
    chunk = "";
  }
  yield chunk;
}

function rowOf(entry: HistoryEntry): string[] {
  const time = `${entry.time.slice(0, 19)}Z`;
  if (entry.source === "command") {
    const { actor, command } = entry;
    return [time, describeActor(actor), command, targetOf(entry), outcomeOf(entry)];
  }
  if (entry.action === "lost") {
    return [time, "", "lost", "", `${entry.count ?? "some"} records could not be written before this time`];
  }
  const { actor, ranBy, action } = entry;
  const who = ranBy ? describeActor(ranBy) : (actor ?? "somebody");
  return [time, who, ACTIONS[action] ?? action, targetOf(entry), changeOf(entry)];
}

const ACTIONS: Readonly<Record<string, string>> = {
  "tag-set": "tag set",
  "tag-overwrite": "tag overwritten",
  "tag-delete": "tag deleted",
  "manifest-delete": "manifest deleted",
  "blob-delete": "blob deleted",
};

function targetOf(entry: HistoryEntry): string {
  const { repository, tag } = entry;
  if (repository !== undefined && repository !== "")
    return tag === undefined ? repository : `${repository}:${tag}`;
  return entry.source === "command" ? (entry.target ?? "") : "";
}

/** What was is told in full, as it is what somebody may want back. */
function changeOf(entry: ServerEntry): string {
  const { action, actor, before, after, address, forwardedFor, userAgent, command } = entry;
  const isTag = action === "tag-overwrite" || action === "tag-delete";
  const parts = isTag ? [`was ${before ?? "not readable"}`] : before === undefined ? [] : [before];
  if (after !== undefined) parts.push(`now ${after.slice(0, SHORT_DIGEST_CHARS)}`);
  const from = [forwardedFor, address].filter((each) => each !== undefined).join(" by ");
  if (from !== "") parts.push(`from ${from}`);
  if (command !== undefined) parts.push(`by ${command}`);
  // Where nobody has a name, the program tells a person from GitLab's own cleanup.
  if (actor === undefined && userAgent !== undefined) parts.push(`with ${userAgent}`);
  return parts.join(", ");
}

function outcomeOf({ outcome, exitCode, message, before, after, summary }: CommandEntry): string {
  const parts: string[] = [];
  if (outcome === "unknown") parts.push("its end is not known: still running, or killed");
  else if (outcome !== "done" || exitCode !== 0) parts.push(`${outcome}, exit code ${exitCode}`);
  if (message !== undefined) parts.push(message);
  if (before !== undefined) parts.push(`was ${before}`);
  if (after !== undefined) parts.push(`now ${after}`);
  if (summary !== undefined) parts.push(summary);
  return parts.length === 0 ? "done" : parts.join("; ");
}
