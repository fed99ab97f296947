import { resolve } from "node:path";
import { readEnvFrom } from "../../config/env-from.ts";
import type { ComparableConfig } from "../../config/load-config.ts";
import { loadTarget } from "../../config/load-target.ts";
import type { StorageSettings } from "../../config/settings.ts";
import { storeName } from "../../config/store-name.ts";
import { RegistryStateError } from "../../errors.ts";
import { MigrationJournal } from "../../operations/migrate/migration-journal.ts";
import { currentDutyHolder } from "../../process/duties/open-duties.ts";
import type { MigrationRecord, MigrationStore } from "../../state/migration-record.ts";
import type { Migrations } from "../../state/migrations.ts";
import { storeIdentity } from "../../state/store-identity.ts";
import type { CommandContext } from "../context.ts";

/** @returns the environment by which the registry's configuration counts */
export function registryEnvironment(
  context: CommandContext,
  flags: { envFrom?: string[] },
): Promise<Readonly<Record<string, string | undefined>>> {
  return readEnvFrom(flags.envFrom ?? [], context.env, { cwd: context.cwd });
}

/** @returns absolute path of a configuration; undefined for the embedded one */
export function configFileOf({ source }: ComparableConfig, { cwd }: CommandContext): string | undefined {
  return source.kind === "file" ? resolve(cwd, source.path) : undefined;
}

/** @returns what is remembered of a store */
export function recordedStore(settings: StorageSettings, section: string): MigrationStore {
  return { name: storeName(settings), identity: storeIdentity(settings), section };
}

/** @returns the settings of a store that was remembered */
export async function settingsOfRecorded({ section }: MigrationStore): Promise<StorageSettings> {
  return (await loadTarget({ text: section, values: {}, env: {} })).storage;
}

/**
 * To be called when the stores are locked: until then another run may have worked on the move.
 *
 * @param before - what was remembered when this run began; undefined: nothing that could be gone on with
 * @throws {RegistryStateError}
 */
export function refuseChanged(now: MigrationRecord | undefined, before: MigrationRecord | undefined): void {
  const isSame =
    before === undefined
      ? (now?.phase ?? "rolled-back") === "rolled-back"
      : now?.changedAt === before.changedAt;
  if (isSame) return;
  throw new RegistryStateError("another run has worked on this move meanwhile", {
    hint: "see registry-ctl migrate status, then run the same command again",
  });
}

/** Begins to work on a move, and says so. */
export function beginJournal(migrations: Migrations, record: MigrationRecord): MigrationJournal {
  const journal = new MigrationJournal(migrations, record, Date.now);
  journal.begin(currentDutyHolder());
  return journal;
}
