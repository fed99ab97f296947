import { type Actor, parseActor } from "./actor.ts";
import { asRecord, isText, isTime, textsOf } from "./json-fields.ts";

/** What a command changes. All of it is for people and to be searched; secrets have no place here. */
export interface CommandChange {
  /** A file, a store or a server. */
  target?: string;
  repository?: string;
  tag?: string;
  /** What was there before: a digest for a tag, a state for a server. */
  before?: string;
  /** What is there now. */
  after?: string;
  /** One line that says what was done, such as amounts. */
  summary?: string;
}

/** How a command ended. */
export type CommandOutcome = "done" | "failed" | "stopped";

/** Written before a command changes anything. */
export interface CommandBegin extends CommandChange {
  schemaVersion: 1;
  type: "begin";
  /** The same as that of the command's end. */
  id: string;
  /** ISO 8601, UTC. */
  time: string;
  /** Without options: `users add`. */
  command: string;
  /** The command line, secrets masked. */
  arguments: string[];
  actor: Actor;
  host: string;
  pid: number;
}

/** Written when a command has ended; what it says of the change is more than the begin knew. */
export interface CommandEnd extends CommandChange {
  schemaVersion: 1;
  type: "end";
  id: string;
  time: string;
  outcome: CommandOutcome;
  exitCode: number;
  /** Why it failed. */
  message?: string;
}

/** One line of the journal of commands. */
export type CommandRecord = CommandBegin | CommandEnd;

/** @returns what a line says, or undefined if it is none of ours */
export function parseCommandRecord(json: unknown): CommandRecord | undefined {
  const fields = asRecord(json);
  if (fields?.["schemaVersion"] !== 1) return undefined;
  const { type, id, time } = fields;
  if (!isText(id) || !isTime(time)) return undefined;
  const shared = { schemaVersion: 1 as const, id, time, ...textsOf(fields, CHANGE) };
  return type === "begin"
    ? parseBegin(fields, shared)
    : type === "end"
      ? parseEnd(fields, shared)
      : undefined;
}

const CHANGE = [
  "target",
  "repository",
  "tag",
  "before",
  "after",
  "summary",
] as const satisfies (keyof CommandChange)[];

type Shared = Omit<CommandBegin, "type" | "command" | "arguments" | "actor" | "host" | "pid">;

function parseBegin(fields: Record<string, unknown>, shared: Shared): CommandBegin | undefined {
  const { command, host, pid, arguments: args } = fields;
  const actor = parseActor(fields["actor"]);
  if (!actor || !isText(command) || !isText(host) || typeof pid !== "number") return undefined;
  const words = Array.isArray(args) ? args.filter(isText) : [];
  return { ...shared, type: "begin", command, arguments: words, actor, host, pid };
}

function parseEnd(fields: Record<string, unknown>, shared: Shared): CommandEnd | undefined {
  const { outcome, exitCode, message } = fields;
  if (!isOutcome(outcome) || typeof exitCode !== "number") return undefined;
  return { ...shared, type: "end", outcome, exitCode, ...(isText(message) ? { message } : {}) };
}

function isOutcome(value: unknown): value is CommandOutcome {
  return value === "done" || value === "failed" || value === "stopped";
}
