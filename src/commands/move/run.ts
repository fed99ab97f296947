import { storeName } from "../../config/store-name.ts";
import { UsageError } from "../../errors.ts";
import { messageOf } from "../../lib/message-of.ts";
import { printable } from "../../lib/printable.ts";
import type { MoveReport } from "../../operations/move/move-report.ts";
import { amountsOf } from "../../operations/move/move-report.ts";
import type { MoveRequest } from "../../operations/move/move-request.ts";
import { findParked } from "../../operations/move/parked-moves.ts";
import type { MovePlan } from "../../operations/move/plan-move.ts";
import { runMove } from "../../operations/move/run-move.ts";
import { findRegistries } from "../../process/machine/find-registries.ts";
import { registryUserOf } from "../../process/machine/registry-user.ts";
import { currentMachine } from "../../process/machine/run-process.ts";
import { prepareState, reachableState } from "../../process/state/prepare-state.ts";
import { Moves } from "../../state/moves.ts";
import { isDryRun } from "../../ui/options/dry-run.ts";
import type { CommandContext } from "../context.ts";
import { otherStores, probeAll } from "../garbage-collect/ask-registries.ts";
import { readProbeKey } from "../garbage-collect/probe-authorization.ts";
import { type MoveFlags, readMoveRequest, refuseMoveFlags } from "./move-flags.ts";
import { renderMove, renderMoveAmounts, renderMoveProgress, renderParked } from "./render.ts";
import { findServerBeside } from "./server-beside.ts";

/** Pushes under way may go on for so long before the names are held. */
const DRAIN_MS = 30_000;

/** Runs `move`. */
export async function runMoveCommand(
  context: CommandContext,
  names: readonly string[],
  flags: MoveFlags,
): Promise<void> {
  refuseMoveFlags(flags, names);
  const dryRun = isDryRun(flags);
  const isChange = !dryRun && !flags.status;
  if (isChange && !flags.yes && !context.interactive) {
    throw new UsageError("a move asks before it changes anything, and there is no terminal", {
      hint: "look with --dry-run what it would do, then give --yes",
    });
  }
  if (isChange && flags.force && !context.interactive) {
    throw new UsageError("--force goes on without the proof that nobody writes, and needs a terminal");
  }
  const config = await context.loadConfig({ argument: undefined, flags, destructive: isChange });
  const { auth, storage } = config.settings;
  const authorize = await readProbeKey(flags.key, { cwd: context.cwd, auth });
  const user = await registryUserOf(config);
  const state = prepareState(storage, flags.stateDir, user);
  if (flags.status) {
    await showParked(
      context,
      flags,
      await context.openStorage(config, { ...flags, readOnlyStore: true }),
      state.folder,
    );
    return;
  }
  const registries = await findRegistries(config);
  const drainMs = flags.timeout ?? DRAIN_MS;
  const server = flags.mode === undefined ? await findServerBeside(config, flags, drainMs) : undefined;
  const held =
    flags.mode === undefined || dryRun ? undefined : await holdRegistry(context, config, flags, drainMs);
  let failure: { error: unknown } | undefined;
  try {
    if (isChange)
      await context.recordChange({ target: storeName(storage), summary: `move ${names.join(" to ")}` });
    const driver = await context.openStorage(config, flags);
    const reachable = reachableState(state);
    const moves = reachable.folder === undefined ? undefined : new Moves(reachable.folder);
    const parked = flags.finish || flags.back ? await findParked(driver, moves?.list() ?? []) : [];
    const request = readMoveRequest(
      flags,
      names,
      parked.map(({ record }) => record),
    );
    const report = await moveWithProgress(context, flags, request, {
      dependencies: {
        ...{ driver, nowMs: Date.now, holder: currentMachine(), server, moves },
        probe: held ? () => held.check() : () => probeAll(config, registries, authorize),
      },
      options: {
        ...{ dryRun, force: flags.force ?? false },
        wouldHold: flags.mode !== undefined || server !== undefined,
        usesMetadataDatabase: config.usesMetadataDatabase,
        otherStores: otherStores(registries, (text) => context.notice(text, flags)),
      },
    });
    if (isChange) {
      const { old, new: target } = request;
      await context.recordChange({
        ...{ repository: old, before: old, summary: `${request.kind}: ${renderMoveAmounts(report.amounts)}` },
        ...(target === undefined ? {} : { after: target }),
      });
    }
    if (!flags.json) {
      for (const warning of report.warnings) context.stderr.write(`warning: ${printable(warning)}\n`);
    }
    context.report(report, (result) => printable(renderMove(result)), flags);
  } catch (error) {
    failure = { error };
  }
  await held?.release().catch((error: unknown) => {
    if (failure === undefined) failure = { error };
    else context.stderr.write(`warning: ${printable(messageOf(error))}\n`);
  });
  if (failure) throw failure.error;
}

async function showParked(
  context: CommandContext,
  flags: MoveFlags,
  driver: Parameters<typeof findParked>[0],
  stateFolder: string | undefined,
): Promise<void> {
  const records = stateFolder === undefined ? [] : new Moves(stateFolder).list();
  const parked = await findParked(driver, records);
  const unfinished = records.filter(({ kind }) => kind === "move");
  const moves = [...parked, ...unfinished.map((record) => ({ record, repositories: [], isUnknown: false }))];
  const report = {
    schemaVersion: 1,
    command: "move --status",
    moves: moves.map(
      ({ record: { kind, old, new: target, isProject, phase, startedAt }, repositories, isUnknown }) => ({
        ...{ kind, old, project: isProject, phase },
        ...(target === undefined ? {} : { new: target }),
        ...(isUnknown ? {} : { startedAt }),
        repositories,
      }),
    ),
  };
  context.report(report, () => printable(renderParked(moves)), flags);
}

async function holdRegistry(
  context: CommandContext,
  config: Awaited<ReturnType<CommandContext["loadConfig"]>>,
  flags: MoveFlags,
  drainMs: number,
) {
  const { openHold } = await import("../readonly/open-hold.ts");
  const mode = flags.mode ?? "read-only";
  const held = await openHold(context, config, flags, { mode, reason: "move", drainMs });
  context.notice(`mode: ${mode}: ${held.how}`, flags);
  return held;
}

async function moveWithProgress(
  context: CommandContext,
  flags: MoveFlags,
  request: MoveRequest,
  {
    dependencies,
    options,
  }: {
    dependencies: Parameters<typeof runMove>[0];
    options: Omit<Parameters<typeof runMove>[2], "onPlan" | "onProgress" | "signal">;
  },
): Promise<MoveReport> {
  const start = () => context.progress("looking for repositories; safe to stop", flags);
  let progress = start();
  try {
    return await runMove(dependencies, request, {
      ...options,
      signal: context.signal,
      onProgress: (event) => progress.update(() => renderMoveProgress(event)),
      onPlan: async (plan: MovePlan) => {
        if (flags.yes) return;
        progress.stop();
        context.notice(`to be moved: ${renderMoveAmounts(amountsOf(plan))}`, flags);
        await context.confirm(questionOf(request), flags);
        progress = start();
      },
    });
  } finally {
    progress.stop();
  }
}

function questionOf({ kind, old, new: target, isProject }: MoveRequest): string {
  const what = isProject ? `all repositories at and below ${old}` : `the repository ${old}`;
  if (kind === "hold") return `Park ${what}, so that nobody can pull or push?`;
  if (kind === "back") return `Put ${what} back?`;
  return `Give ${what} the name ${target}?`;
}
