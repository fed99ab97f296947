import type { ComparableConfig } from "../../config/load-config.ts";
import { storeName } from "../../config/store-name.ts";
import { RegistryStateError } from "../../errors.ts";
import type { MigrationRecord } from "../../state/migration-record.ts";
import { storeIdentity } from "../../state/store-identity.ts";
import { isDryRun } from "../../ui/options/dry-run.ts";
import type { CommandContext } from "../context.ts";
import { readChecksum } from "./checksum-flag.ts";
import { halfDone } from "./half-done.ts";
import type { RollbackFlags } from "./migrate-flags.ts";
import { beginJournal, refuseChanged, settingsOfRecorded } from "./open-session.ts";
import { openMigrations, openOther, openSource } from "./open-stores.ts";
import { requireFile } from "./require-file.ts";
import { goBackAndReport, goOnBack } from "./roll-back-and-report.ts";
import { discardNewPushes, planRollback, requireOldStore } from "./roll-back-checks.ts";
import { type MigrationSession, refuseOther } from "./session.ts";
import { untilStopped } from "./until-stopped.ts";

/** Runs `migrate rollback`. */
export async function runRollback(
  context: CommandContext,
  firstArgument: string | undefined,
  flags: RollbackFlags,
): Promise<void> {
  const { percent, argument } = readChecksum(flags.checksum, firstArgument);
  const dryRun = isDryRun(flags);
  const config = await context.loadConfig({ argument, flags, destructive: !dryRun });
  const file = requireFile(config, context);
  const migrations = openMigrations(context, flags.stateDir);
  const known = findMove(migrations.about(storeIdentity(config.settings.storage)), config);
  refuseOther(known);
  const isHalfDone = known.switching?.to === "source";
  const [old, now] = [await settingsOfRecorded(known.source), await settingsOfRecorded(known.target)];
  const open = async (): Promise<Omit<MigrationSession, "journal" | "locks">> => ({
    ...{ context, flags, config, total: undefined, checksumPercent: percent, rounds: [] },
    from: {
      settings: now,
      driver: isHalfDone
        ? await openOther(context, now, { ...flags, readOnlyStore: true })
        : await openSource(context, config, flags, { dryRun }),
    },
    to: { settings: old, driver: await openOther(context, old, flags) },
  });
  if (dryRun) {
    await planRollback(await open(), known);
    return;
  }
  const opened = await open();
  if (!isHalfDone && !flags.discardNewPushes) await requireOldStore(opened, known);
  if (flags.discardNewPushes) await discardNewPushes(opened, known);
  else
    await context.confirm(
      `Copy what is new back to ${known.source.name}, and have the registry use that?`,
      flags,
    );
  await context.recordChange({ target: known.source.name, summary: `go back to it from ${storeName(now)}` });
  await untilStopped(context, async (locks) => {
    await locks.lockTarget(opened.to.driver);
    refuseChanged(migrations.read(known.id), known);
    const session: MigrationSession = { ...opened, locks, journal: beginJournal(migrations, known) };
    if (isHalfDone && (await goOnBack(session, { file, argument }))) return;
    if (isHalfDone && !flags.discardNewPushes) await requireOldStore(opened, known);
    const reloaded = isHalfDone
      ? await context.loadConfig({ argument, flags, destructive: true, silent: true })
      : config;
    await goBackAndReport(
      { ...session, config: reloaded },
      { file, argument, discards: flags.discardNewPushes ?? false },
    );
  });
}

/** @throws {RegistryStateError} if there is none to go back from */
function findMove(records: readonly MigrationRecord[], { settings }: ComparableConfig): MigrationRecord {
  const half = records.find(({ switching }) => switching !== undefined);
  if (half?.switching?.to === "target") throw halfDone(half.switching);
  if (half !== undefined) return half;
  const identity = storeIdentity(settings.storage);
  const found = records.find(
    ({ target, phase }) =>
      target.identity === identity && ["switched", "finished", "rolling-back"].includes(phase),
  );
  if (found !== undefined) return found;
  const left = records.find(
    ({ source, phase }) => source.identity === identity && ["finished", "rolling-back"].includes(phase),
  );
  if (left !== undefined) {
    throw new RegistryStateError(`the configuration names ${left.source.name} already, the old store`, {
      hint: `to take along what was pushed to ${left.target.name}, name that in the configuration again, then run the same command`,
    });
  }
  throw new RegistryStateError(`this user knows of no finished move to ${storeName(settings.storage)}`, {
    hint: "run it as the user who has moved the registry, with the same --state-dir; registry-ctl migrate status tells what is known",
  });
}
