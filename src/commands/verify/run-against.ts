import { loadTarget } from "../../config/load-target.ts";
import { storeName } from "../../config/store-name.ts";
import { CancelledError, UsageError } from "../../errors.ts";
import { countOf } from "../../lib/count-of.ts";
import { printable } from "../../lib/printable.ts";
import { formatBytes } from "../../lib/units.ts";
import type { AgainstProgress } from "../../operations/verify/against/against-options.ts";
import type { AgainstReport } from "../../operations/verify/against/against-report.ts";
import { compareStores } from "../../operations/verify/against/compare-stores.ts";
import { usualConcurrency } from "../../registry/remote-store.ts";
import { storeIdentity } from "../../state/store-identity.ts";
import type { CommandContext } from "../context.ts";
import { openRotation } from "./open-rotation.ts";
import { renderAgainst } from "./render-against.ts";
import type { VerifyFlags } from "./verify-flags.ts";

const PARTLY = 3;
const DIFFERENCES = 4;

const PHASES: Readonly<Record<AgainstProgress["phase"], string>> = {
  blobs: "comparing blobs",
  repositories: "comparing links",
  other: "comparing other files",
  graph: "proving that the target is complete",
};

/** Runs `verify --against`. */
export async function runAgainst(
  context: CommandContext,
  argument: string | undefined,
  flags: VerifyFlags & { against: string },
  percent: number | undefined,
): Promise<void> {
  const config = await context.loadConfig({ argument, flags });
  const { env, cwd } = context;
  const target = await loadTarget({ file: flags.against, values: {}, env, cwd });
  for (const warning of target.warnings) context.stderr.write(`warning: ${printable(warning)}\n`);
  if (storeIdentity(config.settings.storage) === storeIdentity(target.storage)) {
    throw new UsageError(`${flags.against} names the store that is to be compared, not another one`);
  }
  context.notice(`against: ${storeName(target.storage)} (from ${flags.against})`, flags);
  const kept = await openRotation(context, config, target.storage, flags, percent);
  const readOnly = { ...flags, readOnlyStore: true };
  const sourceDriver = await context.openStorage(config, readOnly);
  const targetDriver = await context.openTarget(target.storage, readOnly);
  const progress = context.progress("comparing blobs; safe to stop", flags);
  let report: AgainstReport;
  try {
    report = await compareStores(
      sourceDriver,
      targetDriver,
      {
        nowMs: Date.now,
        signal: context.signal,
        onProgress: (event) => progress.update(() => renderProgress(event)),
      },
      {
        checksumPercent: percent,
        hashesSource: true,
        rotation: kept?.rotation,
        repositories: flags.repository ?? [],
        concurrency:
          flags.concurrency ?? Math.max(usualConcurrency(sourceDriver), usualConcurrency(targetDriver)),
        checkGraph: true,
        usesMetadataDatabase: config.usesMetadataDatabase,
      },
    );
  } catch (error) {
    if (!(error instanceof CancelledError)) throw error;
    throw new CancelledError("stopped before everything was compared; nothing was changed", { cause: error });
  } finally {
    kept?.keep();
    progress.stop();
  }
  if (kept && report.checksum) {
    report = { ...report, checksum: { ...report.checksum, rotation: kept.report() } };
  }
  if (!flags.json) {
    for (const warning of [...report.warnings, ...(report.graph?.warnings ?? [])]) {
      context.stderr.write(`warning: ${printable(warning)}\n`);
    }
  }
  context.report(report, renderAgainst, flags);
  context.setExitCode(exitCodeOf(report));
}

function exitCodeOf({ differenceCount, uncheckedCount, graph }: AgainstReport): number {
  if (differenceCount > 0 || (graph?.problemCount ?? 0) > 0) return DIFFERENCES;
  return uncheckedCount > 0 || (graph?.uncheckedCount ?? 0) > 0 ? PARTLY : 0;
}

function renderProgress({ phase, files, differences, hashedBytes }: AgainstProgress): string {
  const hashed = hashedBytes === 0 ? "" : `, ${formatBytes(hashedBytes)} hashed`;
  const found = differences === 0 ? "" : `, ${countOf(differences, "difference")}`;
  return `${PHASES[phase]}: ${countOf(files, "file")}${hashed}${found}; safe to stop`;
}
