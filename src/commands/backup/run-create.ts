import { randomBytes } from "node:crypto";
import { setMaxListeners } from "node:events";
import { storeName } from "../../config/store-name.ts";
import { ByteRate } from "../../lib/byte-rate.ts";
import { countOf } from "../../lib/count-of.ts";
import { printable } from "../../lib/printable.ts";
import { formatBytes } from "../../lib/units.ts";
import type { BackupProgress, BackupReport } from "../../operations/backup/backup-report.ts";
import { createBackup } from "../../operations/backup/create-backup.ts";
import { refuseNested } from "../../operations/backup/refuse-nested.ts";
import { currentMachine } from "../../process/machine/run-process.ts";
import { usualConcurrency } from "../../registry/remote-store.ts";
import { storeIdentity } from "../../state/store-identity.ts";
import type { CommandContext } from "../context.ts";
import { openSource } from "../migrate/open-stores.ts";
import type { CreateFlags } from "./backup-flags.ts";
import { nameStore } from "./name-store.ts";
import { renderCreated } from "./render-created.ts";

const PARTLY = 3;
const DIFFERENCES = 4;

/** Runs `backup create`. */
export async function runCreate(
  context: CommandContext,
  argument: string | undefined,
  flags: CreateFlags,
): Promise<void> {
  const config = await context.loadConfig({ argument, flags });
  const { storage } = config.settings;
  const place = await nameStore(context, flags.store, "--store");
  refuseNested(storage, place);
  context.notice(`backups: ${storeName(place)}`, flags);
  await context.recordChange({ target: storeName(place) });
  const source = await openSource(context, config, flags);
  const backup = await context.openTarget(place, flags);
  const rate = flags.maxBandwidth === undefined ? undefined : new ByteRate(flags.maxBandwidth);
  // All copies that are under way wait for it.
  setMaxListeners(0, context.signal);
  const progress = context.progress("reading tags and manifests; safe to stop", flags);
  let report: BackupReport;
  try {
    report = await createBackup(
      {
        ...{ source, backup, holder: currentMachine(), nowMs: Date.now, signal: context.signal },
        random: () => randomBytes(4).toString("hex"),
        onProgress: (event) => progress.update(() => renderProgress(event)),
      },
      {
        sourceIdentity: storeIdentity(storage),
        sourceName: storeName(storage),
        metadataOnly: flags.metadataOnly ?? false,
        tagsOnly: flags.tagsOnly ?? false,
        strict: flags.strict ?? false,
        isMoved: flags.moved ?? false,
        allowEmpty: flags.allowEmpty ?? false,
        usesMetadataDatabase: config.usesMetadataDatabase,
        concurrency: flags.concurrency ?? Math.max(usualConcurrency(source), usualConcurrency(backup)),
        spend: rate && ((bytes) => rate.spend(bytes, context.signal)),
      },
    );
  } finally {
    progress.stop();
  }
  await context.recordChange({
    summary:
      report.snapshot === undefined
        ? "no snapshot was written"
        : `snapshot ${report.snapshot}: ${countOf(report.counts.tags, "tag")}, copied ${formatBytes(report.copied.bytes)}`,
  });
  if (!flags.json) {
    for (const warning of report.warnings) context.stderr.write(`warning: ${printable(warning)}\n`);
  }
  context.report(report, renderCreated, flags);
  if (report.damagedCount > 0) context.setExitCode(DIFFERENCES);
  else if (report.problemCount > 0) context.setExitCode(PARTLY);
}

function renderProgress({ phase, repositories, manifests, copied, waiting }: BackupProgress): string {
  const done = `${countOf(copied.files, "blob")} copied (${formatBytes(copied.bytes)})`;
  if (phase === "links") {
    return `reading: ${repositories} repositories, ${countOf(manifests, "manifest")}, ${done}; safe to stop`;
  }
  if (phase === "blobs") return `copying: ${done}, ${waiting} to go; safe to stop`;
  return `writing the snapshot: ${done}; safe to stop`;
}
