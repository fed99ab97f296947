import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CancelledError, RegistryStateError } from "../../errors.ts";
import { countOf } from "../../lib/count-of.ts";
import { messageOf } from "../../lib/message-of.ts";
import { type LatePushes, tagsSetSince } from "../../operations/migrate/late-pushes.ts";
import { partBytesOf } from "../../operations/migrate/migration-plan.ts";
import { type MigrationReport, roundReport } from "../../operations/migrate/migration-report.ts";
import { readMark } from "../../operations/migrate/target-mark.ts";
import { tryPermissions } from "../../operations/migrate/try-permissions.ts";
import { syncStores } from "../../registry/copy/sync-stores.ts";
import type { MigrationRecord } from "../../state/migration-record.ts";
import { renderReport } from "./render-report.ts";
import type { MigrationSession } from "./session.ts";

type Opened = Omit<MigrationSession, "journal" | "locks">;

const NAMES_SHOWN = 20;

/**
 * Looks whether the old store is there, can be written to, and is the one that the registry came from.
 *
 * @throws {RegistryStateError} with the tags that would be lost without it
 */
export async function requireOldStore(opened: Opened, record: MigrationRecord): Promise<void> {
  const { to, context } = opened;
  const problem = await oldStoreProblem(opened, record);
  if (problem === undefined) {
    await tryPermissions(to.driver, { partBytes: partBytesOf(to.settings), signal: context.signal });
    return;
  }
  const late = await newPushes(opened, record);
  throw new RegistryStateError(
    `it is not possible to go back with what was pushed since: ${problem}${listOf(late)}`,
    {
      hint: "make the old store reachable again; --discard-new-pushes goes back without these tags",
    },
  );
}

async function oldStoreProblem({ to }: Opened, { id, source }: MigrationRecord): Promise<string | undefined> {
  try {
    const mark = await readMark(to.driver);
    if (mark?.id === id && mark.role === "source") return undefined;
    return `${source.name} is not the store that the registry came from, or has lost its mark`;
  } catch (error) {
    return `${source.name} cannot be read (${messageOf(error)})`;
  }
}

function newPushes(
  { from, context }: Opened,
  { switchedAt, changedAt }: MigrationRecord,
): Promise<LatePushes> {
  return tagsSetSince(from.driver, Date.parse(switchedAt ?? changedAt), context.signal);
}

function listOf({ names, total }: LatePushes): string {
  if (total === 0) return "; no tag was set since";
  const more = total > NAMES_SHOWN ? `\n  … and ${total - NAMES_SHOWN} more` : "";
  const shown = names.slice(0, NAMES_SHOWN).map((name) => `\n  ${name}`);
  return `; ${countOf(total, "tag")} set since would be lost:${shown.join("")}${more}`;
}

/**
 * Shows what would be lost, and has it confirmed by a word.
 *
 * @throws {CancelledError} if it is not typed
 */
export async function discardNewPushes(opened: Opened, record: MigrationRecord): Promise<void> {
  const { context, flags } = opened;
  const late = await newPushes(opened, record);
  context.stderr.write(`going back to ${record.source.name} without what was pushed since${listOf(late)}\n`);
  if (flags.yes) return;
  if (!context.interactive) {
    await context.confirm("Go back without them?", flags);
    return;
  }
  const answer = await context.askText('Type "discard" to go on:');
  if (answer !== "discard") throw new CancelledError("not typed; nothing was changed");
}

/** `migrate rollback --dry-run`: tells what would be copied back. */
export async function planRollback(opened: Opened, record: MigrationRecord): Promise<void> {
  const { context, flags, from, to } = opened;
  const startedMs = performance.now();
  const problem = await oldStoreProblem(opened, record);
  const spoolFolder = await mkdtemp(join(tmpdir(), "registry-ctl-plan-"));
  const progress = context.progress("looking what would be copied back", flags);
  try {
    const result =
      problem === undefined
        ? await syncStores(from.driver, to.driver, {
            ...{ asOfMs: undefined, deleteExtra: true, skipDamaged: true, dryRun: true, spoolFolder },
            ...{ concurrency: flags.concurrency, maxBytesPerSecond: undefined, resumeAt: undefined },
            signal: context.signal,
          })
        : undefined;
    progress.stop();
    const lost = problem === undefined ? undefined : await newPushes(opened, record);
    const report: MigrationReport = {
      ...{ schemaVersion: 1, command: "migrate rollback", dryRun: true, id: record.id },
      ...{ source: record.source.name, target: record.target.name, outcome: "planned" },
      rounds: result ? [roundReport(result, { number: 1, resumed: false, final: true })] : [],
      ...{ damaged: result?.damaged ?? [], failed: result?.failed ?? [] },
      next:
        problem === undefined ? [] : [`it would refuse: ${problem}${lost === undefined ? "" : listOf(lost)}`],
      ...{ warnings: [], seconds: Math.round(performance.now() - startedMs) / 1000 },
    };
    context.report(report, renderReport, flags);
  } finally {
    progress.stop();
    await rm(spoolFolder, { recursive: true, force: true });
  }
}
