import type { MigrationRecord } from "../../state/migration-record.ts";

/** What is told of a move, without secrets. */
export interface DescribedMigration {
  id: string;
  phase: MigrationRecord["phase"];
  source: string;
  target: string;
  startedAt: string;
  changedAt: string;
  switchedAt?: string;
  keptConfig?: string;
  /** The registry may be read-only because of it. */
  holdsReadOnly: boolean;
  /** A process works on it now. */
  isRunning: boolean;
  /** How far it is, and what comes next, for people. */
  state: string;
  next: string;
}

/** @param isRunning - tells whether the process that works on a move, or did last, lives */
export function describeMigration(
  record: MigrationRecord,
  isRunning: (record: MigrationRecord) => boolean,
): DescribedMigration {
  const { id, phase, startedAt, changedAt, switchedAt, keptConfig, switching } = record;
  const isAtWork = isRunning(record);
  return {
    ...{ id, phase, source: record.source.name, target: record.target.name, startedAt, changedAt },
    ...(switchedAt === undefined ? {} : { switchedAt }),
    ...(keptConfig === undefined ? {} : { keptConfig }),
    ...{ holdsReadOnly: switching !== undefined, isRunning: isAtWork },
    state: stateOf(record, isAtWork),
    next: nextOf(record, isAtWork),
  };
}

function stateOf({ phase, switching, round, target, source }: MigrationRecord, isRunning: boolean): string {
  if (switching !== undefined) {
    const to = switching.to === "target" ? target.name : source.name;
    const how = isRunning
      ? "the registry is being changed"
      : "a change of the registry was left half done: it was";
    return `${how} to use ${to}, and is read-only until that has ended`;
  }
  const number = round === undefined ? "" : ` (round ${round.number})`;
  switch (phase) {
    case "copying":
      return isRunning
        ? `files are being copied${number}`
        : `files were copied in part${number}; the registry takes writes`;
    case "copied":
      return "everything was copied that was there; the registry uses the old store";
    case "cutting-over":
    case "verified":
    case "switching":
      return isRunning
        ? "the last differences are being copied, the registry is read-only meanwhile"
        : "a cut-over was broken off; the registry uses the old store";
    case "switched":
      return "the registry uses the new store";
    case "finished":
      return "done: the registry uses the new store";
    case "rolling-back":
      return isRunning
        ? "what was pushed to the new store is being copied back"
        : "going back was broken off; the registry uses the new store";
    case "rolled-back":
      return "taken back: the registry uses the old store";
  }
}

function nextOf({ phase, switching, config, target }: MigrationRecord, isRunning: boolean): string {
  if (isRunning) return "wait for it";
  const file = config === undefined ? "" : ` ${config}`;
  if (switching !== undefined) {
    return switching.to === "target"
      ? `registry-ctl migrate finish${file}`
      : `registry-ctl migrate rollback${file}`;
  }
  switch (phase) {
    case "copying":
    case "copied":
    case "cutting-over":
    case "verified":
    case "switching":
      return `registry-ctl migrate finish${file} copies the rest and has the registry use ${target.name}`;
    case "switched":
      return `registry-ctl migrate finish${file}`;
    case "finished":
      return `to go back: registry-ctl migrate rollback${file}`;
    case "rolling-back":
      return `registry-ctl migrate rollback${file}`;
    case "rolled-back":
      return "nothing; the target may be wiped, or used for another try";
  }
}
