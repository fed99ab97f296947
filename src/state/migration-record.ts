import type { DutyHolder } from "./duty.ts";
import { asRecord, isText, isTime } from "./json-fields.ts";

/** How far a move of a registry to another store is. */
export const MIGRATION_PHASES = [
  "copying",
  "copied",
  "cutting-over",
  "verified",
  "switching",
  "switched",
  "finished",
  "rolling-back",
  "rolled-back",
] as const;

/** One of {@link MIGRATION_PHASES}. */
export type MigrationPhase = (typeof MIGRATION_PHASES)[number];

/** One of the two stores of a move. */
export interface MigrationStore {
  /** As `storeName` gives it. */
  name: string;
  /** As `storeIdentity` gives it. */
  identity: string;
  /** `storage:` with its driver, as YAML, with its secrets. */
  section: string;
}

/** How far one pass over both stores is. */
export interface MigrationRound {
  /** From 1. */
  number: number;
  /** ISO 8601, UTC, like all times here. */
  startedAt: string;
  /** What the source got from then on, by its clock in milliseconds, is left to the next round. */
  asOfMs: number;
  /** Files of the source that were looked at up to `position`. */
  seenFiles?: number;
  /** Everything up to and with `after` is done; undefined: nothing is. */
  position?: { pass: "blobs" | "repositories" | "deletions"; after: string };
}

/** What a store was seen to hold. */
export interface MigrationAmounts {
  files: number;
  bytes: number;
  manifests: number;
  tags: number;
}

/** The change of the configuration that is under way, or was left half done. */
export interface MigrationSwitch {
  /** Where the registry is to store when it is done. */
  to: "target" | "source";
  startedAt: string;
  /** By the clock of the store that is left: what was pushed to it since, the other one does not have. */
  leftAt: string;
  /** By the clock of the store that is to be used: what was pushed to it since, the other one does not have. */
  takenAt: string;
  /** The configuration said so before anybody had made the registry read-only for this. */
  wasReadOnly: boolean;
}

/** What is remembered of a move, where it outlives the process: it holds the keys of both stores. */
export interface MigrationRecord {
  schemaVersion: 1;
  /** The first 16 hex digits of the SHA-256 of both identities. */
  id: string;
  phase: MigrationPhase;
  startedAt: string;
  changedAt: string;
  source: MigrationStore;
  target: MigrationStore;
  /** Absolute path of the registry's configuration; undefined: the embedded one. */
  config?: string;
  round?: MigrationRound;
  /** Of the last whole round. */
  sourceAmounts?: MigrationAmounts;
  /** Where the configuration from before the switch is kept. */
  keptConfig?: string;
  /** When the registry began to use the target. */
  switchedAt?: string;
  /** The old store has a mark by which it is known again. */
  isSourceMarked?: boolean;
  switching?: MigrationSwitch;
  /** Who works on it now, or did last. */
  holder?: DutyHolder;
}

/** @returns what a file says, or undefined if it is none of ours */
export function parseMigration(json: unknown): MigrationRecord | undefined {
  const fields = asRecord(json);
  if (fields?.["schemaVersion"] !== 1) return undefined;
  const { id, phase, startedAt, changedAt } = fields;
  if (!isText(id) || !isTime(startedAt) || !isTime(changedAt)) return undefined;
  if (!MIGRATION_PHASES.some((known) => known === phase)) return undefined;
  if (!isStore(fields["source"]) || !isStore(fields["target"])) return undefined;
  // What is behind it was written by this program, for nobody else to change.
  return fields as unknown as MigrationRecord;
}

function isStore(value: unknown): boolean {
  const fields = asRecord(value);
  return fields !== undefined && ["name", "identity", "section"].every((name) => isText(fields[name]));
}
