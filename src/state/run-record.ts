import type { Amounts } from "../registry/plan/amounts.ts";
import type { FoundAmounts } from "../registry/plan/collection-plan.ts";

/** Who runs, or ran, a collection. */
export interface RunIdentity {
  /** Tells one run from another. */
  id: string;
  host: string;
  bootId: string;
  pidNamespace: string;
  pid: number;
  /** What the system says of the start of the process; another process with the same number has another one. */
  processStart?: string;
  /** ISO 8601, UTC. */
  startedAt: string;
}

/** How far a run is, as others may be told. */
export interface RunProgress {
  /** For people: `reading repositories`. */
  phase: string;
  done: number;
  /** Left out if nobody can tell. */
  total?: number;
  /** The total is what the last run found. */
  totalIsEstimate: boolean;
  /** Whole per cent, 0 to 100. */
  percent?: number;
  ratePerSecond?: number;
  /** Until the phase ends. */
  etaSeconds?: number;
}

/** A run that is under way; what `run.json` holds. */
export interface RunStatus extends RunIdentity {
  schemaVersion: 1;
  /** Path of the configuration file; left out for the embedded one. */
  config?: string;
  /** What the command line asked for. */
  options: Record<string, unknown>;
  progress: RunProgress;
  /** It may be stopped, and even killed, without harm. */
  safeToStop: boolean;
  /** Seconds since the start, by a clock that nobody sets. */
  seconds: number;
  /** When it told of progress last; ISO 8601, UTC. */
  updatedAt: string;
}

/** How a run ended. */
export type RunOutcome = "done" | "failed" | "stopped" | "killed";

/** A run that has ended; what `last.json` and `last-success.json` hold. */
export interface RunResult extends RunIdentity {
  schemaVersion: 1;
  config?: string;
  options: Record<string, unknown>;
  outcome: RunOutcome;
  /** Left out for a run that was killed. */
  exitCode?: number;
  /** Why it failed, or what stopped it and what it had done. */
  message?: string;
  /** ISO 8601, UTC; for a killed run, when it was last heard of. */
  endedAt: string;
  seconds: number;
  found?: FoundAmounts;
  deleted?: Amounts;
  /** What the run printed with `--json`, with long lists cut. */
  report?: unknown;
  /** When the first run was made, as long as none has ever succeeded; ISO 8601, UTC. */
  withoutSuccessSince?: string;
}

/** @returns what a `run.json` says, or undefined if it is none */
export function parseRunStatus(json: unknown): RunStatus | undefined {
  const fields = asRecord(json);
  const identity = parseIdentity(fields);
  const progress = parseProgress(asRecord(fields?.["progress"]));
  if (!fields || !identity || !progress || !isTime(fields["updatedAt"])) return undefined;
  return {
    ...identity,
    schemaVersion: 1,
    ...optional("config", fields["config"], isText),
    options: asRecord(fields["options"]) ?? {},
    progress,
    safeToStop: fields["safeToStop"] === true,
    seconds: isNumber(fields["seconds"]) ? fields["seconds"] : 0,
    updatedAt: fields["updatedAt"],
  };
}

/** @returns what a `last.json` says, or undefined if it is none */
export function parseRunResult(json: unknown): RunResult | undefined {
  const fields = asRecord(json);
  const identity = parseIdentity(fields);
  if (!fields || !identity || !isOutcome(fields["outcome"]) || !isTime(fields["endedAt"])) return undefined;
  return {
    ...identity,
    schemaVersion: 1,
    ...optional("config", fields["config"], isText),
    options: asRecord(fields["options"]) ?? {},
    outcome: fields["outcome"],
    ...optional("exitCode", fields["exitCode"], isNumber),
    ...optional("message", fields["message"], isText),
    endedAt: fields["endedAt"],
    seconds: isNumber(fields["seconds"]) ? fields["seconds"] : 0,
    ...amounts("found", fields["found"], FOUND),
    ...amounts("deleted", fields["deleted"], DELETED),
    ...(fields["report"] === undefined ? {} : { report: fields["report"] }),
    ...optional("withoutSuccessSince", fields["withoutSuccessSince"], isTime),
  };
}

const FOUND = ["repositories", "tags", "manifests", "blobs", "bytes"] as const;
const DELETED = ["blobs", "bytes", "manifests", "layerLinks", "tagHistoryLinks"] as const;
const OUTCOMES: readonly string[] = ["done", "failed", "stopped", "killed"] satisfies RunOutcome[];

function parseIdentity(fields: Record<string, unknown> | undefined): RunIdentity | undefined {
  if (fields?.["schemaVersion"] !== 1) return undefined;
  const { id, host, bootId, pidNamespace, pid, startedAt } = fields;
  if (!isText(id) || !isText(host) || !isText(bootId) || !isText(pidNamespace)) return undefined;
  if (!isNumber(pid) || !Number.isSafeInteger(pid) || pid < 1 || !isTime(startedAt)) return undefined;
  const start = optional("processStart", fields["processStart"], isText);
  return { id, host, bootId, pidNamespace, pid, ...start, startedAt };
}

function parseProgress(fields: Record<string, unknown> | undefined): RunProgress | undefined {
  if (!fields || !isText(fields["phase"]) || !isNumber(fields["done"])) return undefined;
  return {
    phase: fields["phase"],
    done: fields["done"],
    ...optional("total", fields["total"], isNumber),
    totalIsEstimate: fields["totalIsEstimate"] === true,
    ...optional("percent", fields["percent"], isNumber),
    ...optional("ratePerSecond", fields["ratePerSecond"], isNumber),
    ...optional("etaSeconds", fields["etaSeconds"], isNumber),
  };
}

function amounts<Name extends string, Key extends string>(
  name: Name,
  json: unknown,
  keys: readonly Key[],
): { [name in Name]?: Record<Key, number> } {
  const fields = asRecord(json);
  if (!fields || !keys.every((key) => isNumber(fields[key]))) return {};
  const numbers = Object.fromEntries(keys.map((key) => [key, fields[key]]));
  return { [name]: numbers } as { [name in Name]?: Record<Key, number> };
}

function optional<Name extends string, T>(
  name: Name,
  value: unknown,
  is: (value: unknown) => value is T,
): { [name in Name]?: T } {
  return (is(value) ? { [name]: value } : {}) as { [name in Name]?: T };
}

function asRecord(json: unknown): Record<string, unknown> | undefined {
  return typeof json === "object" && json !== null && !Array.isArray(json)
    ? (json as Record<string, unknown>)
    : undefined;
}

function isText(value: unknown): value is string {
  return typeof value === "string";
}

function isNumber(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value);
}

function isTime(value: unknown): value is string {
  return isText(value) && !Number.isNaN(Date.parse(value));
}

function isOutcome(value: unknown): value is RunOutcome {
  return isText(value) && OUTCOMES.includes(value);
}
