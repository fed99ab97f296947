import type { ComparableConfig } from "../../config/load-config.ts";
import type { StorageSettings } from "../../config/settings.ts";
import { storeName } from "../../config/store-name.ts";
import { metadataDatabaseProblem } from "../../operations/gc/check-state.ts";
import { type Preflight, preflight } from "../../operations/migrate/preflight.ts";
import { readMark, writeMark } from "../../operations/migrate/target-mark.ts";
import { currentMachine } from "../../process/machine/run-process.ts";
import type { MigrationRecord } from "../../state/migration-record.ts";
import { type Migrations, migrationId } from "../../state/migrations.ts";
import { storeIdentity } from "../../state/store-identity.ts";
import type { CommandContext } from "../context.ts";
import { confirmTarget } from "./confirm-target.ts";
import type { CopyFlags, MigrateFlags } from "./migrate-flags.ts";
import type { MoveLocks } from "./move-locks.ts";
import { beginJournal, configFileOf, recordedStore, refuseChanged } from "./open-session.ts";
import { openOther, openSource } from "./open-stores.ts";
import { ownerWarning } from "./owner-warning.ts";
import { warn } from "./run-dry.ts";
import type { MigrationSession, OpenedStore } from "./session.ts";
import { sectionOfSettings } from "./source-section.ts";

/** A move that is to be begun, or gone on with. */
export interface MigrationRequest {
  config: ComparableConfig;
  target: StorageSettings;
  /** `storage:` of the target. */
  section: string;
  migrations: Migrations;
  known: MigrationRecord | undefined;
  flags: CopyFlags & Pick<MigrateFlags, "allowEmpty" | "confirmTarget" | "delete" | "cutover">;
  /** Per cent of the blobs that are hashed. */
  percent: number | undefined;
  locks: MoveLocks;
}

/**
 * Opens both stores of a move, looks whether one can be copied to the other, and remembers the move.
 *
 * @throws as {@link preflight} does
 */
export async function openMigration(
  context: CommandContext,
  request: MigrationRequest,
): Promise<MigrationSession> {
  const { config, target, section, migrations, known, flags, percent, locks } = request;
  const { storage } = config.settings;
  const from = { settings: storage, driver: await openSource(context, config, flags) };
  const to = { settings: target, driver: await openOther(context, target, flags) };
  const database = await metadataDatabaseProblem(from.driver, config.usesMetadataDatabase);
  if (database !== undefined)
    warn(context, [`${database.message}: the files are copied, the database is not moved`]);
  const owner = await ownerWarning(config, target);
  if (owner !== undefined) warn(context, [owner]);
  const found = await look(context, request, { from, to });
  if (found.state === "foreign") await confirmTarget(context, target, flags);
  const id = migrationId(storeIdentity(storage), storeIdentity(target));
  await locks.lockTarget(to.driver);
  refuseChanged(migrations.read(id), known);
  const file = configFileOf(config, context);
  const startedAt = new Date().toISOString();
  const stores = {
    source: recordedStore(storage, sectionOfSettings(storage)),
    target: recordedStore(target, section),
  };
  const isKnown = known !== undefined && found.state === "ours";
  const record: MigrationRecord = isKnown
    ? { ...known, ...stores }
    : { schemaVersion: 1, id, phase: "copying", startedAt, changedAt: startedAt, ...stores };
  const journal = beginJournal(migrations, { ...record, ...(file === undefined ? {} : { config: file }) });
  if ((await readMark(to.driver))?.id !== id) {
    await writeMark(to.driver, { id, source: storeName(storage), startedAt: record.startedAt });
  }
  const total = found.counted ?? record.sourceAmounts;
  return { context, flags, config, journal, locks, from, to, total, checksumPercent: percent, rounds: [] };
}

async function look(
  context: CommandContext,
  { config, target, known, flags }: MigrationRequest,
  { from, to }: { from: OpenedStore; to: OpenedStore },
): Promise<Preflight> {
  const id = migrationId(storeIdentity(config.settings.storage), storeIdentity(target));
  const progress = context.progress("looking at both stores", flags);
  try {
    return await preflight(
      {
        ...{ source: from, target: to, id, isKnown: known !== undefined, signal: context.signal },
        ...{ machine: currentMachine(), onProgress: (text) => progress.update(text) },
      },
      { allowEmpty: flags.allowEmpty ?? false },
    );
  } finally {
    progress.stop();
  }
}
