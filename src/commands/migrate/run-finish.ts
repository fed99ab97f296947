import type { ComparableConfig } from "../../config/load-config.ts";
import { storeName } from "../../config/store-name.ts";
import { RegistryStateError } from "../../errors.ts";
import type { MigrationRecord } from "../../state/migration-record.ts";
import { storeIdentity } from "../../state/store-identity.ts";
import type { CommandContext } from "../context.ts";
import { readChecksum } from "./checksum-flag.ts";
import { copyAndReport } from "./copy-and-report.ts";
import { goOn } from "./go-on.ts";
import { halfDone } from "./half-done.ts";
import type { FinishFlags } from "./migrate-flags.ts";
import { openMigration } from "./open-migration.ts";
import { settingsOfRecorded } from "./open-session.ts";
import { openMigrations } from "./open-stores.ts";
import { requireFile } from "./require-file.ts";
import { refuseMemory } from "./run-dry.ts";
import { refuseOther } from "./session.ts";
import { untilStopped } from "./until-stopped.ts";

/** Runs `migrate finish`. */
export async function runFinish(
  context: CommandContext,
  firstArgument: string | undefined,
  flags: FinishFlags,
): Promise<void> {
  const { percent, argument } = readChecksum(flags.checksum, firstArgument);
  const config = await context.loadConfig({ argument, flags, destructive: true });
  refuseMemory(config);
  requireFile(config, context);
  const migrations = openMigrations(context, flags.stateDir);
  const known = findMove(migrations.about(storeIdentity(config.settings.storage)), config);
  refuseOther(known);
  await context.confirm(`Have the registry use ${known.target.name}?`, flags);
  await context.recordChange({
    target: known.target.name,
    summary: `use it in the place of ${known.source.name}`,
  });
  await untilStopped(context, async (locks) => {
    if (
      known.switching !== undefined &&
      (await goOn(context, { config, known, flags, argument, command: "migrate finish", locks }))
    )
      return;
    const current = migrations.read(known.id) ?? known;
    const target = await settingsOfRecorded(known.target);
    const reloaded = await context.loadConfig({ argument, flags, destructive: true, silent: true });
    const { section } = known.target;
    const session = await openMigration(context, {
      ...{ config: reloaded, target, section, migrations, known: current, percent, locks },
      flags: { ...flags, cutover: true },
    });
    await copyAndReport(session, { command: "migrate finish", cutover: true, argument });
  });
}

/** @throws {RegistryStateError} if there is none to be finished */
function findMove(records: readonly MigrationRecord[], { settings }: ComparableConfig): MigrationRecord {
  const half = records.find(({ switching }) => switching !== undefined);
  if (half?.switching?.to === "source") throw halfDone(half.switching);
  if (half !== undefined) return half;
  const identity = storeIdentity(settings.storage);
  const open = records.find(
    ({ source, phase }) => source.identity === identity && !["finished", "rolled-back"].includes(phase),
  );
  if (open !== undefined) return open;
  const done = records.find(({ target, phase }) => target.identity === identity && phase === "finished");
  throw done === undefined
    ? new RegistryStateError(`no move of ${storeName(settings.storage)} has been begun by this user`, {
        hint: "begin one: registry-ctl migrate --to s3 --dry-run",
      })
    : new RegistryStateError(`the move is finished already: the registry uses ${done.target.name}`, {
        hint: "to go back: registry-ctl migrate rollback",
      });
}
