import { resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { LoadedConfig } from "../../config/settings.ts";
import { storeName } from "../../config/store-name.ts";
import { fromErrorBody } from "../../control/error-body.ts";
import type { CollectionEvent, Control, ServerStatus } from "../../control/protocol.ts";
import { CancelledError, RegistryCtlError, UsageError } from "../../errors.ts";
import { cancelledWith, emptyReport } from "../../operations/gc/collection-report.ts";
import type { GarbageReport } from "../../operations/gc/garbage-report.ts";
import { currentActor } from "../../process/machine/current-actor.ts";
import { currentUserId } from "../../process/machine/run-process.ts";
import { stateFoldersOf } from "../../process/state/find-state.ts";
import { describeActor } from "../../state/actor.ts";
import { readRunHistory } from "../../state/run-history.ts";
import type { CommandContext } from "../context.ts";
import { type GarbageFlags, type GarbageRequest, optionsOf } from "./garbage-flags.ts";
import { textfileOf } from "./prepare-run.ts";
import { printReport } from "./print-report.ts";
import { RecordedRun } from "./recorded-run.ts";
import { renderAmounts } from "./render.ts";
import { renderOnline } from "./render-mode.ts";
import { RunMeter } from "./run-meter.ts";

/** How soon the server is asked again to stop a collection that has not begun. */
const ASK_AGAIN_MS = 200;
/** What a process may be given as arguments is 2 MiB, with its environment. */
const MAX_OPTIONS_CHARS = 1_000_000;
const QUESTION =
  "Delete what nothing needs, with manifests that no tag leads to? A dry run (-n) says what that is.";

/** Has our running server collect while it serves, and shows how far it is. That this process ends ends no collection. */
export async function runOnline(
  context: CommandContext,
  config: LoadedConfig,
  flags: GarbageFlags,
  request: GarbageRequest,
  control: Control,
): Promise<void> {
  const { settings } = config;
  const status = await control.status();
  context.notice(renderOnline(status, settings.gc.reviewAfterMs, Date.now()), flags);
  if (flags.force)
    context.notice("note: --force is of no use: the server sees to it that nothing is lost", flags);
  if (request.skipIfLocked && status.collection) {
    printReport(context, skippedReport(status.collection), flags);
    return;
  }
  if (request.deleteUntagged && context.interactive) await context.confirm(QUESTION, flags);
  const options = optionsOf(request);
  if (options.join(" ").length > MAX_OPTIONS_CHARS) {
    throw new UsageError("--protect names more images than a server's collector can be told of", {
      hint: "give --mode read-only, or leave out the images of other registries",
    });
  }
  const recorded = recordedRun(context, config, flags, request);
  await context.recordChange({ target: storeName(settings.storage) });
  try {
    const result = await follow(context, flags, control, {
      options,
      by: describeActor(currentActor(context.env, currentUserId())),
    });
    const { report, exitCode } = result;
    await context.recordChange({ summary: `deleted ${renderAmounts(report.deleted)}` });
    await recorded.end(report, exitCode);
    if (context.signal.aborted && report.stopped)
      throw cancelledWith(new CancelledError(), report.found && report);
    printReport(context, report, flags);
    context.setExitCode(exitCode);
  } catch (error) {
    await recorded.fail(error);
    throw error;
  } finally {
    recorded.close();
  }
}

/** @returns the report, when the collection has ended; asks it to stop when this command is to stop */
async function follow(
  context: CommandContext,
  flags: GarbageFlags,
  control: Control,
  request: { options: string[]; by: string },
): Promise<{ report: GarbageReport; exitCode: number }> {
  const display = context.progress("starting", flags);
  let end: CollectionEvent | undefined;
  let hasEnded = false;
  const onEvent = (event: CollectionEvent): void => {
    if (event.type === "notice") context.notice(event.text, flags);
    else if (event.type === "progress") display.update(event.text);
    else if (event.type !== "started") end = event;
  };
  const onAbort = (): void => {
    context.notice("asking the server's collection to stop", flags);
    void stopSurely(control, () => end !== undefined || hasEnded);
  };
  if (context.signal.aborted) throw new CancelledError();
  context.signal.addEventListener("abort", onAbort);
  try {
    await control.collect(request, onEvent);
  } finally {
    hasEnded = true;
    context.signal.removeEventListener("abort", onAbort);
    display.stop();
  }
  if (end?.type === "report") return { report: parseReport(end.report), exitCode: end.exitCode };
  if (end?.type !== "failed")
    throw new RegistryCtlError("ERR_CONTROL", "the server did not say how the collection ended");
  const { code, message, hint, exitCode } = end;
  context.setExitCode(exitCode);
  throw fromErrorBody({ code, message, ...(hint === undefined ? {} : { hint }) });
}

/** It may not have begun when it is asked. */
async function stopSurely(control: Control, hasEnded: () => boolean): Promise<void> {
  try {
    while (!hasEnded() && !(await control.stopCollection())) await sleep(ASK_AGAIN_MS);
  } catch {
    // The server is gone, which whoever follows the collection hears.
  }
}

/** The server writes down how it went; the metrics are this user's, who may write where the server may not. */
function recordedRun(
  context: CommandContext,
  config: LoadedConfig,
  flags: GarbageFlags,
  request: GarbageRequest,
): RecordedRun {
  const { storage } = config.settings;
  const stateDir = flags.stateDir === undefined ? undefined : resolve(context.cwd, flags.stateDir);
  return new RecordedRun({
    meter: new RunMeter(() => performance.now(), undefined),
    recorder: undefined,
    history: readRunHistory(stateFoldersOf(storage, stateDir)),
    textfile: textfileOf(context, config, flags, request),
    store: storeName(storage),
    exitCodeOf: (error) => context.exitCodeOf(error),
    onWarning: (warning) => void context.stderr.write(`warning: ${warning}\n`),
  });
}

function skippedReport({ startedAt }: NonNullable<ServerStatus["collection"]>): GarbageReport {
  return emptyReport(`nothing done: this server is collecting already, since ${startedAt}`);
}

/** Both ends are ours, but not always of one version. */
function parseReport(json: unknown): GarbageReport {
  const isReport =
    typeof json === "object" && json !== null && "command" in json && json.command === "garbage-collect";
  if (!isReport) throw new RegistryCtlError("ERR_CONTROL", "the server's report cannot be understood");
  return json as GarbageReport;
}
