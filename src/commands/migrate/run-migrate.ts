import type { ComparableConfig } from "../../config/load-config.ts";
import type { ReadTarget } from "../../config/load-target.ts";
import type { StorageSettings } from "../../config/settings.ts";
import { storeName } from "../../config/store-name.ts";
import { RegistryStateError, UsageError } from "../../errors.ts";
import type { MigrationReport } from "../../operations/migrate/migration-report.ts";
import type { MigrationRecord } from "../../state/migration-record.ts";
import { type Migrations, migrationId } from "../../state/migrations.ts";
import { storeIdentity } from "../../state/store-identity.ts";
import type { CommandContext } from "../context.ts";
import { readChecksum } from "./checksum-flag.ts";
import { copyAndReport } from "./copy-and-report.ts";
import { goOn } from "./go-on.ts";
import { halfDone } from "./half-done.ts";
import type { MigrateFlags } from "./migrate-flags.ts";
import { nameTarget } from "./name-target.ts";
import { openMigration } from "./open-migration.ts";
import { openMigrations } from "./open-stores.ts";
import { renderReport } from "./render-report.ts";
import { requireFile } from "./require-file.ts";
import { refuseMemory, warn } from "./run-dry.ts";
import { refuseOther } from "./session.ts";
import { untilStopped } from "./until-stopped.ts";

/** Runs `migrate`, but for dry runs. */
export async function runMigrate(
  context: CommandContext,
  firstArgument: string | undefined,
  flags: MigrateFlags,
): Promise<void> {
  const { percent, argument } = readChecksum(flags.checksum, firstArgument);
  const named = await nameTarget(context, flags, true);
  const target = requireNamed(named);
  const config = await context.loadConfig({ argument, flags, destructive: true });
  refuseMemory(config);
  context.notice(`target: ${storeName(target)}`, flags);
  warn(context, named.warnings);
  const migrations = openMigrations(context, flags.stateDir);
  const { storage } = config.settings;
  const { cutover = false } = flags;
  const half = [target, storage]
    .flatMap((store) => migrations.about(storeIdentity(store)))
    .find(({ switching }) => switching !== undefined);
  refuseOther(half);
  if (half !== undefined) requireSameMove(half, target, cutover);
  else if (isDone(context, { migrations, config, target, flags })) return;
  if (cutover) {
    requireFile(config, context);
    const question = `Copy all of ${storeName(storage)} to ${storeName(target)}, and have the registry use that?`;
    await context.confirm(question, flags);
  }
  const summary = `copy the registry of ${storeName(storage)} there${cutover ? ", and use it" : ""}`;
  await context.recordChange({ target: storeName(target), summary });
  await untilStopped(context, async (locks) => {
    if (half && (await goOn(context, { config, known: half, flags, argument, command: "migrate", locks })))
      return;
    const { section } = named;
    // What was half done has been put back, the configuration too.
    const reloaded = half
      ? await context.loadConfig({ argument, flags, destructive: true, silent: true })
      : config;
    const known = lookUp(migrations, reloaded, target);
    const session = await openMigration(context, {
      config,
      target,
      section,
      migrations,
      known,
      flags,
      percent,
      locks,
    });
    await copyAndReport(session, { command: "migrate", cutover, argument });
  });
}

/** @returns what is remembered of a move that may be gone on with */
function lookUp(
  migrations: Migrations,
  { settings }: ComparableConfig,
  target: StorageSettings,
): MigrationRecord | undefined {
  const record = migrations.read(migrationId(storeIdentity(settings.storage), storeIdentity(target)));
  refuseOther(record);
  refuseFinished(record);
  return record?.phase === "rolled-back" ? undefined : record;
}

/** Somebody has named the old store in the configuration by hand: what was pushed to the new one since would be removed. */
function refuseFinished(record: MigrationRecord | undefined): void {
  if (record === undefined || !["finished", "rolling-back"].includes(record.phase)) return;
  throw new RegistryStateError(
    `this move was finished at ${record.switchedAt}: what was pushed to ${record.target.name} since would be lost`,
    {
      hint: `name ${record.target.name} in the configuration again; then registry-ctl migrate rollback goes back with what was pushed, or with --discard-new-pushes without`,
    },
  );
}

/** @throws {RegistryStateError} if a change of the registry was left half done that is not this command's */
function requireSameMove(
  { switching, target }: MigrationRecord,
  wanted: StorageSettings,
  cutover: boolean,
): void {
  if (switching === undefined) return;
  const isSame = switching.to === "target" && target.identity === storeIdentity(wanted);
  if (!(isSame && cutover)) throw halfDone(switching);
}

interface DoneRequest {
  migrations: Migrations;
  config: ComparableConfig;
  target: StorageSettings;
  flags: MigrateFlags;
}

/** Tells whether an earlier run of this command has done all of it already, and says so. */
function isDone(context: CommandContext, { migrations, config, target, flags }: DoneRequest): boolean {
  const identity = storeIdentity(target);
  if (storeIdentity(config.settings.storage) !== identity) return false;
  const done = migrations
    .about(identity)
    .find((each) => each.target.identity === identity && each.phase === "finished");
  if (done === undefined) return false;
  const report: MigrationReport = {
    ...{ schemaVersion: 1, command: "migrate", dryRun: false, id: done.id },
    ...{ source: done.source.name, target: done.target.name, outcome: "switched" },
    ...{ rounds: [], damaged: [], failed: [], warnings: [], seconds: 0 },
    next: ["it was done before; to go back: registry-ctl migrate rollback"],
  };
  context.report(report, renderReport, flags);
  return true;
}

function requireNamed({ storage, missing }: ReadTarget): StorageSettings {
  if (storage !== undefined) return storage;
  throw new UsageError(`it is not known where to: ${missing.join(", ")} must be named`, {
    hint: "give --target-config FILE, or options such as --to s3 --bucket NAME --region NAME; --dry-run tells more",
  });
}
