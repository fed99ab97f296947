import { join } from "node:path";
import { printable } from "../../lib/printable.ts";
import { writeChunks } from "../../lib/write-chunks.ts";
import { type History, readHistory } from "../../operations/history/read-history.ts";
import { registryUserOf } from "../../process/machine/registry-user.ts";
import { journalFoldersOf, stateFoldersOf } from "../../process/state/find-state.ts";
import { AUDIT_FILE, AUDIT_FOLDER } from "../../state/audit-log.ts";
import { COMMAND_JOURNAL_FILE } from "../../state/command-journal.ts";
import type { CommandContext, StorageFlags } from "../context.ts";
import { renderHistory, renderHistoryJson } from "./render.ts";

/** What the command line of `history` says. */
export interface HistoryFlags extends StorageFlags {
  repository?: string;
  tag?: string;
  actor?: string;
  /** In milliseconds since 1970, like `until`. */
  since?: number;
  until?: number;
  limit: number;
}

const READ_IN_PART = 3;

/** Runs `history`. */
export async function runHistory(
  context: CommandContext,
  argument: string | undefined,
  flags: HistoryFlags,
): Promise<void> {
  const config = await context.loadConfig({ argument, flags });
  const { storage } = config.settings;
  const { repository, tag, actor, since, until, limit } = flags;
  const folders = stateFoldersOf(storage, flags.stateDir, await registryUserOf(config));
  // A server writes its own collections down beside its audit.
  const journals = new Set([...journalFoldersOf(folders, flags.stateDir), ...folders]);
  const history = await readHistory(
    {
      audits: folders.map((folder) => join(folder, AUDIT_FOLDER, AUDIT_FILE)),
      journals: [...journals].map((folder) => join(folder, COMMAND_JOURNAL_FILE)),
    },
    { repository, tag, actor, sinceMs: since, untilMs: until, limit, signal: context.signal },
  );
  try {
    warn(context, history, flags);
    const text = flags.json ? renderHistoryJson(history) : renderHistory(history);
    await writeChunks(context.stdout, text, context.signal);
    context.signal.throwIfAborted();
  } finally {
    history.close();
  }
  if (history.unread.length > 0 || history.damagedLines > 0) context.setExitCode(READ_IN_PART);
}

function warn(context: CommandContext, history: History, flags: HistoryFlags): void {
  const { unread, damagedLines, hasMore, count } = history;
  if (!flags.json) {
    for (const { path, problem } of unread) {
      context.stderr.write(`warning: ${printable(`${path} cannot be read: ${problem}`)}\n`);
    }
    if (damagedLines > 0) {
      context.stderr.write(
        `warning: ${damagedLines} damaged ${damagedLines === 1 ? "line is" : "lines are"} left out\n`,
      );
    }
  }
  if (hasMore && count > 0) context.notice("there are older entries: see --limit", flags);
}
