import { messageOf } from "../../lib/message-of.ts";
import { copyRound } from "../../operations/migrate/copy-round.ts";
import { isCopied } from "../../operations/migrate/cut-over.ts";
import type { SwitchReport } from "../../operations/migrate/migration-report.ts";
import { roundReport } from "../../operations/migrate/migration-report.ts";
import { type EarlierConfig, keptSection, recordedSection } from "../../operations/migrate/switch-texts.ts";
import { MARK_PATH, readMark, writeMark } from "../../operations/migrate/target-mark.ts";
import { readConfigFile } from "../../process/files/config-files.ts";
import { withdrawFromNodes } from "../../process/nodes/ask-nodes.ts";
import { deleteIfThere } from "../../registry/small-file.ts";
import { finish, reportBase, since } from "./copy-and-report.ts";
import { copyLast, reportNotSame } from "./copy-last.ts";
import { holdForSwitch } from "./hold-for-switch.ts";
import { registryEnvironment } from "./open-session.ts";
import { openOther } from "./open-stores.ts";
import { renderRound } from "./render-report.ts";
import { resumeSwitch } from "./resume-switch.ts";
import { copyDependencies, copySettings, type MigrationSession } from "./session.ts";
import { requirePossible, type StoreChange, useOtherStore } from "./use-other-store.ts";

/** How a registry goes back. */
export interface RollbackRequest {
  /** The configuration. */
  file: string;
  argument: string | undefined;
  /** Nothing is copied back. */
  discards: boolean;
}

/** Copies what is new back to the old store, compares both, and has the registry use the old one. Prints what came of it. */
export async function goBackAndReport(session: MigrationSession, request: RollbackRequest): Promise<void> {
  const startedMs = performance.now();
  const { journal } = session;
  await session.locks.lockTarget(session.to.driver);
  const change = await plannedChange(session, request);
  journal.update({ phase: "rolling-back" });
  const base = reportBase(session, "migrate rollback");
  if (!request.discards) await copyBeforehand(session);
  const heldMs = performance.now();
  const held = await holdForSwitch(session, request.file);
  const copied = request.discards ? undefined : await copyLast(session, held, { otherwise: "finished" });
  if (copied !== undefined && !copied.isSame) {
    const next = "the registry uses the new store still, and takes writes again";
    reportNotSame(session, copied, { base, startedMs, next });
    return;
  }
  const switched = await useOtherStore(session, held, change);
  const warnings = await clearMarks(session, request.file);
  finish(session, {
    ...{
      ...base,
      warnings,
      outcome: "rolled back",
      switched: { ...switched, readOnlySeconds: since(heldMs) },
    },
    ...(copied?.comparison === undefined ? {} : { comparison: copied.comparison }),
    next: nextAfter(session),
    seconds: since(startedMs),
  });
}

/** @returns whether the change that was left half done is done now */
export async function goOnBack(
  session: MigrationSession,
  request: Pick<RollbackRequest, "file" | "argument">,
): Promise<boolean> {
  const startedMs = performance.now();
  const switched: SwitchReport | undefined = await resumeSwitch(session, request);
  if (switched === undefined) return false;
  finish(session, {
    ...{ ...reportBase(session, "migrate rollback"), outcome: "rolled back", switched },
    ...{
      warnings: await clearMarks(session, request.file),
      next: nextAfter(session),
      seconds: since(startedMs),
    },
  });
  return true;
}

/** What stood in the configuration before the move stands there again; what was changed beside it stays. */
async function plannedChange(
  session: MigrationSession,
  { file, argument }: RollbackRequest,
): Promise<StoreChange> {
  const { context, flags, journal } = session;
  const { keptConfig, source, target } = journal.record;
  let kept: ReturnType<typeof keptSection>;
  let earlier: EarlierConfig | undefined;
  try {
    const text = readConfigFile(keptConfig ?? "");
    kept = keptSection(text, keptConfig ?? "");
    earlier = { text, replacedBy: recordedSection(target.section) };
  } catch {
    context.notice(
      `${keptConfig ?? "the old configuration"} is gone: the store's section is taken from the record`,
      flags,
    );
    kept = { section: recordedSection(source.section), redirects: true };
  }
  const change: StoreChange = {
    ...{ to: "source", file, argument, original: readConfigFile(file), identity: source.identity },
    ...{ env: await registryEnvironment(context, flags), section: kept.section, redirects: kept.redirects },
    ...(earlier === undefined ? {} : { earlier }),
  };
  requirePossible(change);
  return change;
}

/** So that little is left for the time in which nobody can push. */
async function copyBeforehand(session: MigrationSession): Promise<void> {
  const { context, flags, rounds } = session;
  const progress = context.progress("copying back; safe to stop", flags);
  try {
    const { result } = await copyRound(copyDependencies(session, progress), {
      ...copySettings(session),
      ...{ number: 1, final: false, deleteExtra: false, resumes: false },
    });
    const round = roundReport(result, { number: 1, resumed: false, final: false });
    rounds.push(round);
    context.notice(renderRound(round), flags);
    if (!isCopied(result, false))
      context.notice("something could not be copied; it is tried once more", flags);
  } finally {
    progress.stop();
  }
}

/**
 * The registry uses the old store: it is no store to go back to any more, and the target may be copied to again.
 *
 * @returns what could not be done, for people
 */
async function clearMarks(
  { context, flags, journal, from, to }: MigrationSession,
  file: string,
): Promise<string[]> {
  const warnings: string[] = [];
  const attempt = async (what: string, work: () => Promise<unknown>): Promise<void> => {
    try {
      await work();
    } catch (error) {
      warnings.push(`${what}: ${messageOf(error)}`);
    }
  };
  await attempt("the mark at the old store stays", () => deleteIfThere(to.driver, MARK_PATH));
  await attempt("the mark at the new store stays as it is", async () => {
    const writable = await openOther(context, from.settings, flags);
    const mark = await readMark(writable);
    if (mark?.id !== journal.record.id) return;
    const { finishedAt: _, schemaVersion: __, ...rest } = mark;
    await writeMark(writable, rest);
  });
  const place = {
    ...{ config: file, cwd: context.cwd, envFrom: flags.envFrom ?? [], addresses: [] },
    ...(flags.stateDir === undefined ? {} : { stateDir: flags.stateDir }),
  };
  await attempt("other servers on the old store may be read-only still", () =>
    withdrawFromNodes(place, undefined),
  );
  return warnings;
}

function nextAfter({ journal }: MigrationSession): string[] {
  const { target } = journal.record;
  return [
    `${target.name} is not used any more; it may be wiped, or stay for another try (registry-ctl migrate)`,
  ];
}
