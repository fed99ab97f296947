import type { Actor } from "../../state/actor.ts";
import type { AuditRecord } from "../../state/audit-record.ts";
import type { CommandBegin, CommandChange, CommandEnd, CommandOutcome } from "../../state/command-record.ts";

/** Something that a client did at a server of ours, or a command did to tags in the store: then `command` says which. */
export interface ServerEntry extends Omit<AuditRecord, "schemaVersion"> {
  source: "server" | "audit";
}

/** A command of ours that changed something, or tried to. */
export interface CommandEntry extends CommandChange {
  source: "command";
  /** When it began. */
  time: string;
  command: string;
  arguments: string[];
  actor: Actor;
  host: string;
  pid: number;
  /** `unknown`: it has not ended yet, or was killed. */
  outcome: CommandOutcome | "unknown";
  exitCode?: number;
  message?: string;
  endedAt?: string;
}

/** One line of the history. */
export type HistoryEntry = ServerEntry | CommandEntry;

/** @returns what a server's record says */
export function serverEntry({ schemaVersion: _, ...record }: AuditRecord): ServerEntry {
  return { source: record.command === undefined ? "server" : "audit", ...record };
}

/** @returns what is known of a command that has begun */
export function commandEntry({ schemaVersion: _, type: __, id: ___, ...begin }: CommandBegin): CommandEntry {
  return { source: "command", ...begin, outcome: "unknown" };
}

/** Adds what is known of a command since it has ended. */
export function endEntry(
  entry: CommandEntry,
  { schemaVersion: _, type: __, id: ___, ...end }: CommandEnd,
): void {
  const { time, ...rest } = end;
  Object.assign(entry, rest, { endedAt: time });
}
