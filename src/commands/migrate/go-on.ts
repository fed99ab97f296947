import type { ComparableConfig } from "../../config/load-config.ts";
import type { MigrationRecord } from "../../state/migration-record.ts";
import type { CommandContext } from "../context.ts";
import { finish, reportBase, since } from "./copy-and-report.ts";
import { exposedKeys } from "./exposed-keys.ts";
import { markTarget } from "./mark-stores.ts";
import type { CopyFlags } from "./migrate-flags.ts";
import type { MoveLocks } from "./move-locks.ts";
import { nextAfterSwitch } from "./next-steps.ts";
import { beginJournal, refuseChanged, settingsOfRecorded } from "./open-session.ts";
import { openMigrations, openOther } from "./open-stores.ts";
import { requireFile } from "./require-file.ts";
import { resumeSwitch } from "./resume-switch.ts";
import type { MigrationSession } from "./session.ts";

/**
 * Goes on with a change to the new store that was left half done, and prints what came of it.
 *
 * @returns false if all is as before that change, so that it has to begin again
 */
export async function goOn(
  context: CommandContext,
  request: {
    config: ComparableConfig;
    known: MigrationRecord;
    flags: CopyFlags;
    argument: string | undefined;
    command: "migrate" | "migrate finish";
    locks: MoveLocks;
  },
): Promise<boolean> {
  const { config, known, flags, argument, locks } = request;
  const startedMs = performance.now();
  const migrations = openMigrations(context, flags.stateDir);
  const [source, target] = [await settingsOfRecorded(known.source), await settingsOfRecorded(known.target)];
  const to = { settings: target, driver: await openOther(context, target, flags) };
  await locks.lockTarget(to.driver);
  refuseChanged(migrations.read(known.id), known);
  const session: MigrationSession = {
    ...{ context, flags, config, locks, journal: beginJournal(migrations, known) },
    from: { settings: source, driver: await openOther(context, source, { ...flags, readOnlyStore: true }) },
    to,
    ...{ total: undefined, checksumPercent: undefined, rounds: [] },
  };
  const switched = await resumeSwitch(session, { file: requireFile(config, context), argument });
  if (switched === undefined) return false;
  const base = reportBase(session, request.command);
  const warnings = [...(await markTarget(session)), ...exposedKeys(switched.config, target)];
  finish(session, {
    ...{ ...base, outcome: "switched", switched, warnings },
    ...{ next: nextAfterSwitch(session, switched, ""), seconds: since(startedMs) },
  });
  return true;
}
