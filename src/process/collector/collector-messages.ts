import type { LoadedConfig } from "../../config/settings.ts";
import type { CollectionEvent } from "../../control/protocol.ts";

/** What a collector needs to know to begin. It goes over the channel, never on a command line: it has secrets. */
export interface CollectorOrder {
  /** Of the server. The program may have been replaced since it was started. */
  version: string;
  /** What the server works with: the same store, whatever stands in the file by now. */
  config: LoadedConfig;
  /** Of the server, which may have been chosen when it was another user. */
  stateFolder: string | undefined;
  /** See `openDriver`. */
  rateFolder: string | undefined;
  /** Who asked for the run, for people. */
  by: string;
  /** The process that the registries of this host are told apart by. */
  supervisorPid: number;
}

/** From a collector to its supervisor, beside the messages of the slice gate. */
export type CollectorMessage =
  | { type: "collector-booted" }
  | { type: "collector-progress"; phase: string; text: string }
  | { type: "collector-event"; event: CollectionEvent };

/** From the supervisor to its collector, beside the messages of the slice gate. */
export type CollectorCommand =
  | { type: "collector-start"; order: CollectorOrder }
  /** `isEnding`: not for its own sake, the server ends. */
  | { type: "collector-stop"; isEnding: boolean };

const MESSAGES: Readonly<Record<CollectorMessage["type"], readonly string[]>> = {
  "collector-booted": [],
  "collector-progress": ["phase", "text"],
  "collector-event": ["event"],
};

const COMMANDS: Readonly<Record<CollectorCommand["type"], readonly string[]>> = {
  "collector-start": ["order"],
  "collector-stop": ["isEnding"],
};

/**
 * Reads what came over a collector's channel. A collector of another version ends when it has its order, so that the type
 * and the presence of its fields are enough of a check.
 *
 * @returns undefined if it is for somebody else: the slice gate shares the channel
 */
export function parseCollectorMessage(value: unknown): CollectorMessage | undefined {
  return isOneOf(value, MESSAGES) ? (value as CollectorMessage) : undefined;
}

/** As {@link parseCollectorMessage}, for what came from the supervisor. */
export function parseCollectorCommand(value: unknown): CollectorCommand | undefined {
  return isOneOf(value, COMMANDS) ? (value as CollectorCommand) : undefined;
}

function isOneOf(value: unknown, known: Readonly<Record<string, readonly string[]>>): boolean {
  if (typeof value !== "object" || value === null || !("type" in value) || typeof value.type !== "string")
    return false;
  const fields = Object.hasOwn(known, value.type) ? known[value.type] : undefined;
  return fields?.every((field) => field in value) ?? false;
}
