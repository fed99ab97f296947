import { setMaxListeners } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { LoadedConfig, StorageSettings } from "../../config/settings.ts";
import { storeName } from "../../config/store-name.ts";
import { RegistryStateError, UsageError } from "../../errors.ts";
import { ByteRate } from "../../lib/byte-rate.ts";
import { countOf } from "../../lib/count-of.ts";
import { printable } from "../../lib/printable.ts";
import { formatBytes } from "../../lib/units.ts";
import type { SnapshotId } from "../../operations/backup/backup-layout.ts";
import { chooseSnapshot, listSnapshotIds } from "../../operations/backup/choose-snapshot.ts";
import { readSnapshot } from "../../operations/backup/read-snapshot.ts";
import { refuseNested } from "../../operations/backup/refuse-nested.ts";
import { restoreBackup } from "../../operations/backup/restore-backup.ts";
import type { DifferingTag, RestoreReport } from "../../operations/backup/restore-report.ts";
import { requireBackups } from "../../operations/backup/source-mark.ts";
import type { Held } from "../../operations/hold/hold-registry.ts";
import { writingNodesProblem } from "../../operations/nodes/writing-nodes.ts";
import { currentMachine } from "../../process/machine/run-process.ts";
import { TimesRecorder } from "../../registry/copy/times-recorder.ts";
import { usualConcurrency } from "../../registry/remote-store.ts";
import { canSetTimes } from "../../storage/abilities.ts";
import type { StorageDriver } from "../../storage/driver.ts";
import { isDryRun } from "../../ui/options/dry-run.ts";
import type { CommandContext } from "../context.ts";
import type { RestoreFlags } from "./backup-flags.ts";
import { nameStore } from "./name-store.ts";
import { renderRestored, renderTags } from "./render-restored.ts";

const PARTLY = 3;
const DIFFERENCES = 4;

/** Where a snapshot is restored to. */
interface Target {
  storage: StorageSettings;
  /** Undefined: no registry is known to use the store. */
  config: LoadedConfig | undefined;
}

/** Runs `backup restore`. */
export async function runRestore(
  context: CommandContext,
  name: string | undefined,
  flags: RestoreFlags,
): Promise<void> {
  if (name !== undefined && flags.at !== undefined) {
    throw new UsageError("a snapshot and --at both say what is restored", { hint: "leave out one of them" });
  }
  const dryRun = isDryRun(flags);
  const target = await targetOf(context, flags);
  const place = await nameStore(context, flags.store, "--store");
  refuseNested(target.storage, place);
  const backup = await context.openTarget(place, flags);
  await requireBackups(backup);
  const snapshot = chooseSnapshot(await listSnapshotIds(backup), { name, atMs: flags.at });
  context.notice(`restoring ${snapshot} from ${storeName(place)} to ${storeName(target.storage)}`, flags);
  // Nobody is kept from writing for one that cannot be used.
  if (!dryRun) await readSnapshot(backup, snapshot, () => undefined, context.signal);
  if (!dryRun && target.config === undefined) await refuseServed(context, target.storage, flags);
  const held = dryRun ? undefined : await hold(context, target, flags);
  let report: RestoreReport;
  try {
    if (!dryRun) await context.recordChange({ target: storeName(target.storage) });
    report = await restore(context, { target, backup, snapshot, held }, flags);
    if (!dryRun) await context.recordChange({ summary: summaryOf(report) });
  } catch (error) {
    await held?.release().catch((problem: unknown) => {
      const text = problem instanceof Error ? problem.message : String(problem);
      context.stderr.write(`warning: ${printable(text)}\n`);
    });
    throw error;
  }
  if (!flags.json) {
    for (const warning of report.warnings) context.stderr.write(`warning: ${printable(warning)}\n`);
  }
  context.report(report, renderRestored, flags);
  if (report.damaged.length > 0) context.setExitCode(DIFFERENCES);
  else if (report.manifests.lacking > 0 || report.tags.lacking > 0) context.setExitCode(PARTLY);
  await held?.release();
}

async function targetOf(context: CommandContext, flags: RestoreFlags): Promise<Target> {
  if (flags.to !== undefined) {
    return { storage: await nameStore(context, flags.to, "--to"), config: undefined };
  }
  const config = await context.loadConfig({ argument: undefined, flags, destructive: !isDryRun(flags) });
  return { storage: config.settings.storage, config };
}

/** With a configuration the registry would be held; of a store alone nothing says how. */
async function refuseServed(
  context: CommandContext,
  storage: StorageSettings,
  flags: RestoreFlags,
): Promise<void> {
  const driver = await context.openTarget(storage, { ...flags, readOnlyStore: true });
  const problem = await writingNodesProblem(driver, currentMachine(), 0);
  if (problem === undefined) return;
  throw new RegistryStateError(problem.message, {
    cause: problem,
    hint: "name its configuration (-c CONFIG) in the place of --to: the server is read-only then meanwhile",
  });
}

async function hold(
  context: CommandContext,
  { config }: Target,
  flags: RestoreFlags,
): Promise<Held | undefined> {
  if (config === undefined || flags.readOnlyStore) return undefined;
  const { openHold } = await import("../readonly/open-hold.ts");
  const { mode, drain: drainMs } = flags;
  const held = await openHold(context, config, flags, { mode, reason: "backup restore", drainMs });
  context.notice(held.how, flags);
  return held;
}

async function restore(
  context: CommandContext,
  stores: { target: Target; backup: StorageDriver; snapshot: SnapshotId; held: Held | undefined },
  flags: RestoreFlags,
): Promise<RestoreReport> {
  const { backup, snapshot, held } = stores;
  const { storage, config } = stores.target;
  const dryRun = isDryRun(flags);
  const opened = { ...flags, readOnlyStore: dryRun || Boolean(flags.readOnlyStore) };
  const target =
    config === undefined
      ? await context.openTarget(storage, opened)
      : await context.openStorage(config, opened);
  const spoolFolder =
    canSetTimes(target) || dryRun ? undefined : await mkdtemp(join(tmpdir(), "registry-ctl-"));
  let progress = context.progress("reading the snapshot; safe to stop", flags);
  const rate = flags.maxBandwidth === undefined ? undefined : new ByteRate(flags.maxBandwidth);
  // All copies that are under way wait for it.
  setMaxListeners(0, context.signal);
  const confirmOverwrite = async (tags: readonly DifferingTag[], count: number): Promise<void> => {
    if (flags.yes) return;
    progress.stop();
    for (const line of renderTags(tags, count)) context.notice(line, flags);
    const which = count === 1 ? "this tag" : `these ${count} tags`;
    await context.confirm(`Make ${which} point elsewhere?`, flags);
    progress = context.progress("restoring; safe to stop", flags);
  };
  try {
    return await restoreBackup(
      {
        ...{ backup, target, holder: currentMachine(), nowMs: Date.now, signal: context.signal },
        confirmOverwrite,
        checkHeld: held && (() => requireHeld(held)),
        times: spoolFolder === undefined ? undefined : new TimesRecorder(spoolFolder),
        onProgress: ({ phase, repositories, ofRepositories, copied }) =>
          progress.update(
            () =>
              `${phase}: ${repositories} of ${ofRepositories ?? "?"} repositories, ${formatBytes(copied.bytes)} copied; safe to stop`,
          ),
      },
      {
        ...{ snapshot, dryRun },
        repositories: flags.repository ?? [],
        keepExisting: flags.keepExisting ?? false,
        usesMetadataDatabase: config?.settings === undefined ? false : (config.usesMetadataDatabase ?? false),
        concurrency: flags.concurrency ?? Math.max(usualConcurrency(backup), usualConcurrency(target)),
        spend: rate && ((bytes) => rate.spend(bytes, context.signal)),
      },
    );
  } finally {
    progress.stop();
    if (spoolFolder !== undefined) await rm(spoolFolder, { recursive: true, force: true });
  }
}

/** @throws {RegistryStateError} if the registry takes writes */
async function requireHeld(held: Held): Promise<void> {
  const result = await held.check();
  if (result.kind !== "other") return;
  throw new RegistryStateError(`the registry may take writes again (${result.answer})`, {
    hint: "look what has changed it, then run the same command: it goes on where it was",
  });
}

function summaryOf({ snapshot, tags, copied }: RestoreReport): string {
  return `restored ${countOf(tags.new + tags.overwritten, "tag")} of ${snapshot}, ${tags.overwritten} of them pointed elsewhere; copied ${formatBytes(copied.bytes)}`;
}
