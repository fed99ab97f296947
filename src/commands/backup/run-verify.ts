import { setMaxListeners } from "node:events";
import { CancelledError } from "../../errors.ts";
import { countOf } from "../../lib/count-of.ts";
import { printable } from "../../lib/printable.ts";
import { formatBytes } from "../../lib/units.ts";
import { chooseSnapshot, listSnapshotIds } from "../../operations/backup/choose-snapshot.ts";
import { type VerifyBackupsReport, verifyBackups } from "../../operations/backup/verify-backups.ts";
import { blobDataPath } from "../../registry/paths.ts";
import { usualConcurrency } from "../../registry/remote-store.ts";
import type { CommandContext } from "../context.ts";
import { readChecksum } from "../verify/verify-flags.ts";
import type { VerifyFlags } from "./backup-flags.ts";
import { nameStore } from "./name-store.ts";

const PARTLY = 3;
const DIFFERENCES = 4;
const SHOWN = 20;

/** Runs `backup verify`. */
export async function runVerify(
  context: CommandContext,
  given: string | undefined,
  flags: VerifyFlags,
): Promise<void> {
  const { percent, argument: snapshot } = readChecksum(flags.checksum, given);
  const place = await nameStore(context, flags.store, "--store");
  const backup = await context.openTarget(place, { ...flags, readOnlyStore: true });
  // Each blob that is read listens to it.
  setMaxListeners(0, context.signal);
  const progress = context.progress("reading snapshots; safe to stop", flags);
  let report: VerifyBackupsReport;
  try {
    const snapshots =
      snapshot === undefined
        ? []
        : [chooseSnapshot(await listSnapshotIds(backup), { name: snapshot, atMs: undefined })];
    report = await verifyBackups(
      {
        ...{ backup, nowMs: Date.now, random: Math.random, signal: context.signal },
        onProgress: ({ blobs, hashedBytes }) =>
          progress.update(() => `checking: ${countOf(blobs, "blob")}, ${formatBytes(hashedBytes)} hashed`),
      },
      {
        snapshots,
        checksumPercent: percent,
        concurrency: flags.concurrency ?? usualConcurrency(backup),
      },
    );
  } catch (error) {
    if (!(error instanceof CancelledError)) throw error;
    throw new CancelledError("stopped before everything was looked at; nothing was changed", {
      cause: error,
    });
  } finally {
    progress.stop();
  }
  context.report(report, renderVerified, flags);
  if (report.faultCount > 0) context.setExitCode(DIFFERENCES);
  else if (report.uncheckedCount > 0) context.setExitCode(PARTLY);
}

function renderVerified(report: VerifyBackupsReport): string {
  const { snapshots, blobs, hashed, faults, faultCount, uncheckedCount } = report;
  const hashing = hashed.files === 0 ? "" : `; hashed ${countOf(hashed.files, "blob")}`;
  const lines = [
    `${countOf(snapshots.length, "snapshot")}, ${countOf(blobs.files, "blob")}, ${formatBytes(blobs.bytes)}${hashing}`,
  ];
  for (const { kind, snapshot, repository, digest, detail } of faults.slice(0, SHOWN)) {
    const where = digest === undefined ? "" : ` ${repository} ${digest}:`;
    lines.push(`  ${kind}: ${snapshot}:${where} ${detail}`);
  }
  if (faults.length > SHOWN) lines.push(`  and ${faults.length - SHOWN} more (--json shows a thousand)`);
  const damaged = faults.flatMap(({ kind, digest }) => (kind === "damaged" && digest ? [digest] : []));
  if (damaged.length > 0) {
    lines.push(
      "backup create copies again what is not there, so that these files are to be removed from the backups:",
    );
    for (const digest of damaged.slice(0, SHOWN)) lines.push(`  ${blobDataPath(digest)}`);
  }
  if (faultCount > 0) lines.push(`${countOf(faultCount, "problem")} found`);
  else
    lines.push(uncheckedCount > 0 ? `${countOf(uncheckedCount, "blob")} could not be read` : "all is there");
  return printable(lines.join("\n"));
}
