import { storeName } from "../../config/store-name.ts";
import { type CopiedRounds, copyRounds } from "../../operations/migrate/copy-rounds.ts";
import { isCopied } from "../../operations/migrate/cut-over.ts";
import type { MigrationReport, RoundReport } from "../../operations/migrate/migration-report.ts";
import type { AgainstReport } from "../../operations/verify/against/against-report.ts";
import { renderReport, renderRound } from "./render-report.ts";
import { warn } from "./run-dry.ts";
import { compare, copyDependencies, copySettings, type MigrationSession } from "./session.ts";

const PARTLY = 3;
const DIFFERENCES = 4;

/** What a command wants of a copy. */
export interface CopyRequest {
  command: "migrate" | "migrate finish";
  /** The registry is to use the target afterwards. */
  cutover: boolean;
  argument: string | undefined;
}

/** Copies beside the serving registry; then compares both, or has the registry use the target. Prints what came of it. */
export async function copyAndReport(session: MigrationSession, request: CopyRequest): Promise<void> {
  const startedMs = performance.now();
  const { flags, config } = session;
  const copied = await copyWhileServing(session);
  const base = reportBase(session, request.command, copied);
  if (!isCopied(copied.last, flags.skipDamaged ?? false)) {
    finish(session, {
      ...base,
      outcome: "incomplete",
      next: nextAfterFailure(copied),
      seconds: since(startedMs),
    });
    return;
  }
  if (request.cutover) {
    const { cutOverAndReport } = await import("./cut-over-and-report.ts");
    await cutOverAndReport(session, request, { base, startedMs });
    return;
  }
  const comparison = await compare(session, {
    ...{ asOfMs: copied.asOfMs, isHeld: false, signal: session.context.signal },
    checkGraph: copied.last.left.files === 0,
  });
  // What the last round has left out, since clients were at it, may be missing: the next run copies it.
  const isSame =
    countedDifferences(comparison, deletes(session)) <= copied.last.left.files && isSeen(comparison);
  const file = config.source.kind === "file" ? ` ${config.source.path}` : "";
  const next = isSame
    ? [
        "the registry uses the old store still, and nothing was blocked; run the same command again for what is pushed since",
        `to have it use ${storeName(session.to.settings)}: registry-ctl migrate finish${file}`,
      ]
    : ["look at the differences; the same command again copies what is missing"];
  finish(session, {
    ...{ ...base, outcome: isSame ? "copied" : "different", comparison, next },
    seconds: since(startedMs),
  });
}

/** Copies beside the serving registry until little is left. */
export async function copyWhileServing(session: MigrationSession): Promise<CopiedRounds> {
  const { context, flags, rounds } = session;
  const progress = context.progress("copying; safe to stop", flags);
  try {
    return await copyRounds(copyDependencies(session, progress), {
      ...copySettings(session),
      deleteExtra: deletes(session),
      onRound: (round) => {
        rounds.push(round);
        context.notice(renderRound(round), flags);
      },
    });
  } finally {
    progress.stop();
  }
}

function deletes({ flags }: MigrationSession): boolean {
  return "delete" in flags && flags.delete === true;
}

/** @returns what is known of a run in any case */
export function reportBase(
  { journal, rounds }: MigrationSession,
  command: MigrationReport["command"],
  copied?: { last: CopiedRounds["last"] },
): Omit<MigrationReport, "outcome" | "next" | "seconds"> & { rounds: RoundReport[] } {
  const { id, source, target } = journal.record;
  return {
    ...{ schemaVersion: 1, command, dryRun: false, id, source: source.name, target: target.name, rounds },
    ...{ damaged: copied?.last.damaged ?? [], failed: copied?.last.failed ?? [], warnings: [] },
  };
}

/** Without --delete, what was deleted at the source since is at the target still. */
function countedDifferences(
  { differenceCount, differencesByKind }: AgainstReport,
  isDeleted: boolean,
): number {
  return differenceCount - (isDeleted ? 0 : (differencesByKind.extra ?? 0));
}

function isSeen({ uncheckedCount, graph }: AgainstReport): boolean {
  return uncheckedCount === 0 && graph?.complete !== false;
}

function nextAfterFailure({ last }: CopiedRounds): string[] {
  const next = ["the registry uses the old store; the same command again tries once more"];
  if (last.damagedCount > 0) {
    next.push(
      'blobs of the source are damaged: "registry-ctl verify --repair" may mend them, --skip-damaged goes on without them',
    );
  }
  return next;
}

/** Prints a report and sets the exit code. */
export function finish({ context, flags }: MigrationSession, report: MigrationReport): void {
  if (!flags.json) warn(context, report.warnings);
  context.report(report, renderReport, flags);
  context.setExitCode(exitCodeOf(report));
}

function exitCodeOf({ outcome, damaged, failed }: MigrationReport): number {
  if (outcome === "different" || (outcome === "incomplete" && damaged.length > 0)) return DIFFERENCES;
  return outcome === "incomplete" || failed.length > 0 ? PARTLY : 0;
}

/** @returns seconds */
export function since(startedMs: number): number {
  return Math.round(performance.now() - startedMs) / 1000;
}
