import { namesOf } from "../../state/actor.ts";
import type { HistoryEntry } from "./history-entry.ts";

/** Which part of the history is wanted. All that is given must hold. */
export interface HistoryFilter {
  /** This repository, and those below it. */
  repository?: string | undefined;
  tag?: string | undefined;
  /** Name or user id. */
  actor?: string | undefined;
  /** In milliseconds since 1970, like `untilMs`. */
  sinceMs?: number | undefined;
  untilMs?: number | undefined;
}

/** @returns whether an entry is wanted */
export function isWanted(entry: HistoryEntry, filter: HistoryFilter): boolean {
  const { repository, tag, actor, sinceMs, untilMs } = filter;
  const timeMs = Date.parse(entry.time);
  if (sinceMs !== undefined && timeMs < sinceMs) return false;
  if (untilMs !== undefined && timeMs > untilMs) return false;
  // Of what is lost nobody knows whether it was wanted.
  if (entry.source !== "command" && entry.action === "lost") return true;
  if (repository !== undefined && !isBelow(entry.repository, repository)) return false;
  if (tag !== undefined && entry.tag !== tag) return false;
  return actor === undefined || actorNames(entry).includes(actor);
}

/** @returns whether a line of a file may be wanted, without reading what it says */
export function mayBeWanted(line: string, { repository, tag }: HistoryFilter): boolean {
  if (line.includes('"lost"')) return true;
  return (repository === undefined || line.includes(repository)) && (tag === undefined || line.includes(tag));
}

function isBelow(name: string | undefined, repository: string): boolean {
  return name !== undefined && (name === repository || name.startsWith(`${repository}/`));
}

function actorNames(entry: HistoryEntry): string[] {
  if (entry.source === "command") return namesOf(entry.actor);
  if (entry.ranBy !== undefined) return namesOf(entry.ranBy);
  return entry.actor === undefined ? [] : [entry.actor];
}
