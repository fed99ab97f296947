import { availableParallelism } from "node:os";
import { join } from "node:path";
import type { LoadedConfig } from "../../config/settings.ts";
import { storeName } from "../../config/store-name.ts";
import { UsageError } from "../../errors.ts";
import { messageOf } from "../../lib/message-of.ts";
import { printable } from "../../lib/printable.ts";
import { readHistory } from "../../operations/history/read-history.ts";
import type { RepairDependencies } from "../../operations/verify/repair/repair-options.ts";
import { repairRegistry } from "../../operations/verify/repair/repair-registry.ts";
import type { RepairReport } from "../../operations/verify/repair/repair-report.ts";
import { findServer } from "../../process/control/find-server.ts";
import { findRegistries } from "../../process/machine/find-registries.ts";
import { registryUserOf } from "../../process/machine/registry-user.ts";
import { currentMachine } from "../../process/machine/run-process.ts";
import { stateFoldersOf } from "../../process/state/find-state.ts";
import { prepareState } from "../../process/state/prepare-state.ts";
import { usualConcurrency } from "../../registry/remote-store.ts";
import { AUDIT_FILE, AUDIT_FOLDER } from "../../state/audit-log.ts";
import { StepJournal } from "../../state/step-journal.ts";
import { isDryRun } from "../../ui/options/dry-run.ts";
import type { CommandContext } from "../context.ts";
import { otherStores, probeAll } from "../garbage-collect/ask-registries.ts";
import { readProbeKey } from "../garbage-collect/probe-authorization.ts";
import { readSource } from "./open-source.ts";
import { VerifyProgressText } from "./progress-text.ts";
import { renderPlanned, renderRepair, renderRepairing, renderStepCounts } from "./render-repair.ts";
import type { VerifyFlags } from "./verify-flags.ts";

const MAX_THREADS = 4;
/** Uploads under way may go on for so long before the registry is made read-only or stopped. */
const DRAIN_MS = 30_000;
/** In a store's state folder. */
const JOURNALS_FOLDER = "verify-repair";
/** So much of what servers have written down of a tag is told. */
const AUDIT_TOLD = 20;
const PARTLY = 3;
const DIFFERENCES = 4;

/** Runs `verify --repair`. */
export async function runRepair(
  context: CommandContext,
  argument: string | undefined,
  flags: VerifyFlags,
  percent: number | undefined,
): Promise<void> {
  const dryRun = isDryRun(flags);
  if (!dryRun && !flags.yes && !context.interactive) {
    throw new UsageError("a repair asks before it changes anything, and there is no terminal", {
      hint: "look with --dry-run what it would do, then give --yes",
    });
  }
  const config = await context.loadConfig({ argument, flags, destructive: !dryRun });
  const { auth, storage } = config.settings;
  const authorize = await readProbeKey(flags.key, { cwd: context.cwd, auth });
  const openSource = await readSource(context, flags, storage);
  const user = await registryUserOf(config);
  const state = dryRun ? undefined : prepareState(storage, flags.stateDir, user);
  const audits = stateFoldersOf(storage, flags.stateDir, user);
  const registries = await findRegistries(config);
  const mode = await holdMode(config, flags);
  const held = dryRun || mode === undefined ? undefined : await hold(context, config, flags, mode);
  if (dryRun && mode !== undefined) context.notice(WOULD_HOLD[mode], flags);
  let failure: { error: unknown } | undefined;
  try {
    if (!dryRun) await context.recordChange({ target: storeName(storage) });
    const driver = await context.openStorage(config, flags);
    const report = await repair(context, flags, {
      dependencies: {
        driver,
        source: await openSource?.(),
        threads: Math.min(availableParallelism(), MAX_THREADS),
        nowMs: Date.now,
        holder: currentMachine(),
        probe: held ? () => held.check() : () => probeAll(config, registries, authorize),
        journal:
          state?.folder === undefined ? undefined : new StepJournal(join(state.folder, JOURNALS_FOLDER)),
        version: context.version,
        auditOf: (repository, tag) => auditOf(context, audits, repository, tag),
      },
      options: {
        dryRun,
        wouldHold: mode !== undefined,
        checksumPercent: percent,
        concurrency: flags.concurrency ?? usualConcurrency(driver),
        usesMetadataDatabase: config.usesMetadataDatabase,
        otherStores: otherStores(registries, (text) => context.notice(text, flags)),
      },
    });
    if (!dryRun) await context.recordChange({ summary: renderStepCounts(report.done) });
    if (!flags.json) {
      for (const warning of report.warnings) context.stderr.write(`warning: ${printable(warning)}\n`);
    }
    context.report(report, renderRepair, flags);
    context.setExitCode(exitCodeOf(report));
  } catch (error) {
    failure = { error };
  }
  await held?.release().catch((error: unknown) => {
    if (failure === undefined) failure = { error };
    else context.stderr.write(`warning: ${printable(messageOf(error))}\n`);
  });
  if (failure) throw failure.error;
}

/** A server of ours is made read-only for the time; any other registry only where that is asked for. */
async function holdMode(config: LoadedConfig, flags: VerifyFlags): Promise<VerifyFlags["mode"]> {
  if (flags.mode !== undefined || flags.readOnlyStore) return flags.mode;
  return (await findServer(config, flags)) === undefined ? undefined : "read-only";
}

const WOULD_HOLD = {
  "read-only": "a real run makes the registry read-only meanwhile",
  offline: "a real run stops the registry meanwhile",
} as const;

async function hold(
  context: CommandContext,
  config: LoadedConfig,
  flags: VerifyFlags,
  mode: NonNullable<VerifyFlags["mode"]>,
) {
  const { openHold } = await import("../readonly/open-hold.ts");
  const reason = "verify --repair";
  const held = await openHold(context, config, flags, { mode, reason, drainMs: flags.timeout ?? DRAIN_MS });
  context.notice(`mode: ${mode}: ${held.how}`, flags);
  return held;
}

async function repair(
  context: CommandContext,
  flags: VerifyFlags,
  {
    dependencies,
    options,
  }: {
    dependencies: RepairDependencies;
    options: Omit<Parameters<typeof repairRegistry>[1], "signal" | "onProgress" | "onPlan">;
  },
): Promise<RepairReport> {
  const start = () => context.progress("listing blobs; safe to stop", flags);
  let progress = start();
  const looking = new VerifyProgressText(Date.now);
  try {
    return await repairRegistry(dependencies, {
      ...options,
      signal: context.signal,
      onProgress: (event) =>
        progress.update(() => (event.step === "look" ? looking.of(event.progress) : renderRepairing(event))),
      onPlan: async (plan, round) => {
        if (options.dryRun || flags.yes) return;
        progress.stop();
        for (const line of renderPlanned(plan, round)) context.notice(line, flags);
        await context.confirm(`Carry out ${plan.steps.length === 1 ? "this step" : "these steps"}?`, flags);
        progress = start();
      },
    });
  } finally {
    progress.stop();
  }
}

async function auditOf(
  context: CommandContext,
  folders: readonly string[],
  repository: string,
  tag: string,
): ReturnType<RepairDependencies["auditOf"]> {
  const history = await readHistory(
    { audits: folders.map((folder) => join(folder, AUDIT_FOLDER, AUDIT_FILE)), journals: [] },
    { repository, tag, limit: AUDIT_TOLD, signal: context.signal },
  );
  try {
    const told: Awaited<ReturnType<RepairDependencies["auditOf"]>>[number][] = [];
    for await (const entry of history.entries()) {
      if (entry.source !== "server" || entry.action === "lost" || entry.repository !== repository) continue;
      const { time, action, before, after, actor } = entry;
      told.push({
        ...{ time, action },
        ...(before === undefined ? {} : { before }),
        ...(after === undefined ? {} : { after }),
        ...(actor === undefined ? {} : { actor }),
      });
    }
    return told.reverse();
  } finally {
    history.close();
  }
}

function exitCodeOf({ dryRun, failures, found }: RepairReport): number {
  if (dryRun) return 0;
  if (failures > 0) return PARTLY;
  if (found.problemCount > 0) return DIFFERENCES;
  return found.uncheckedCount > 0 ? PARTLY : 0;
}
