import { toErrorBody } from "../../control/error-body.ts";
import { RegistryStateError, UsageError } from "../../errors.ts";
import { PlannedStop } from "../../operations/gc/planned-stop.ts";
import { ProtectedImages, parseProtected } from "../../operations/tags/protected.ts";
import { gateOfServer } from "../../process/collector/collector-gate.ts";
import { connectToServer, type ServerOfCollector } from "../../process/collector/collector-process.ts";
import type { FoundRegistry } from "../../process/machine/find-registries.ts";
import { currentMachine } from "../../process/machine/run-process.ts";
import { otherNodes } from "../../state/nodes.ts";
import type { StorageDriver } from "../../storage/driver.ts";
import { openDriver } from "../../storage/open-driver.ts";
import type { CommandContext, Progress } from "../context.ts";
import { exitCodeOf } from "./exit-code-of.ts";
import { type GarbageFlags, readFlags } from "./garbage-flags.ts";
import { type PreparedRun, prepareRun } from "./prepare-run.ts";
import { renderProgress } from "./render-progress.ts";
import { type CollectionWay, runCollection } from "./run-collection.ts";

/** How often the server hears how far it is. */
const TELL_EVERY_MS = 500;

/**
 * Collects for the server that has started this process, which serves meanwhile. What would be printed goes to the server.
 *
 * @throws {UsageError} if no server has started it
 */
export async function runAsCollector(context: CommandContext, flags: GarbageFlags): Promise<void> {
  const gate = gateOfServer();
  const server = gate && (await connectToServer());
  if (!gate || !server) {
    throw new UsageError("--collector is an option that a server gives to its collector", {
      hint: "leave it out: beside a running server a collection is online by itself",
    });
  }
  try {
    await collectFor(server, gate, context, flags);
  } catch (error) {
    const exitCode = context.exitCodeOf(error);
    server.tell({ type: "failed", ...toErrorBody(error), exitCode });
    context.setExitCode(exitCode);
  } finally {
    await server.close();
  }
}

async function collectFor(
  server: ServerOfCollector,
  gate: NonNullable<CollectionWay["gate"]>,
  context: CommandContext,
  flags: GarbageFlags,
): Promise<void> {
  const { config, stateFolder, rateFolder, supervisorPid, version } = server.order;
  if (version !== context.version) throw otherVersion(context.version, version);
  const images = (flags.protectedImage ?? []).flatMap((text) => parseProtected(text) ?? []);
  const request = readFlags(flags, Date.now(), images.length === 0 ? undefined : new ProtectedImages(images));
  if (request.dryRun || request.force)
    throw new UsageError("a server collects without --dry-run and --force");
  const own = contextFor(server, context, (notice) => {
    return openDriver(config.settings.storage, {
      ...{ readOnly: false, rateFolder, env: context.env },
      ...{ onNotice: notice, onRequest: () => undefined },
    });
  });
  const given = { folder: stateFolder, problem: "the server has none" };
  const prepared = await prepareRun(
    own.context,
    config,
    flags,
    request,
    stateFolder === undefined ? given : { folder: stateFolder },
  );
  own.use(prepared);
  const { recorded, warnings } = prepared;
  try {
    const report = await runCollection(own.context, config, flags, prepared, (driver, registries) => ({
      gate,
      // Never asked: the gate is the proof.
      probe: async () => ({ kind: "nobody" }),
      stopWanted: stopsOf(server),
      requireNoOtherServer: () => requireNoOther(driver, registries, supervisorPid),
    }));
    const exitCode = exitCodeOf(report);
    await recorded?.end(report, exitCode);
    server.tell({
      type: "report",
      report: { ...report, warnings: [...report.warnings, ...warnings] },
      exitCode,
    });
    context.setExitCode(exitCode);
  } catch (error) {
    await recorded?.fail(error);
    throw error;
  } finally {
    recorded?.close();
  }
}

/** What the two say to each other about what may be removed is made for one version. */
function otherVersion(installed: string, serving: string | undefined): RegistryStateError {
  const running = serving === undefined ? "an earlier one runs" : `${serving} runs`;
  return new RegistryStateError(`version ${installed} is installed and ${running}: nothing is deleted`, {
    hint: "start the server anew, then run this again",
  });
}

function stopsOf({ stopWanted, serverEnds }: ServerOfCollector): AbortSignal {
  const ending = new AbortController();
  const onEnding = (): void => ending.abort(new PlannedStop("server"));
  if (serverEnds.aborted) onEnding();
  serverEnds.addEventListener("abort", onEnding);
  return AbortSignal.any([stopWanted, ending.signal]);
}

/** @throws {RegistryStateError} */
async function requireNoOther(
  driver: StorageDriver,
  registries: readonly FoundRegistry[],
  supervisorPid: number,
): Promise<void> {
  const hint = "with --mode read-only all of them are made read-only for the run; or stop the others";
  const stranger = registries.find(({ pid, usesOurStore }) => usesOurStore && pid !== supervisorPid);
  if (stranger) {
    const message = `another registry uses this store (process ${stranger.pid}), and asks this server for nothing`;
    throw new RegistryStateError(message, { hint });
  }
  const [other] = await otherNodes(driver, { machine: currentMachine(), pid: supervisorPid });
  if (!other) return;
  const { host, pid, address } = other;
  const message = `another server uses this store (process ${pid} on ${host}, ${address}): an online collection is for one server`;
  throw new RegistryStateError(message, { hint });
}

/** A context whose words go to the server. It ends with the server, which keeps requests from what is being removed. */
function contextFor(
  server: ServerOfCollector,
  context: CommandContext,
  open: (notice: (text: string) => void) => Promise<StorageDriver>,
): { context: CommandContext; use: (prepared: PreparedRun) => void } {
  let prepared: PreparedRun | undefined;
  const notice = (text: string): void => server.tell({ type: "notice", text });
  const progress = (): Progress => {
    const timer = setInterval(() => {
      const now = prepared?.meter.progress();
      if (now) server.tellProgress(now.phase, renderProgress(now));
    }, TELL_EVERY_MS);
    timer.unref();
    return { update: () => undefined, stop: () => clearInterval(timer) };
  };
  const own: CommandContext = {
    ...context,
    interactive: false,
    signal: AbortSignal.any([context.signal, server.lost]),
    notice,
    progress,
    openStorage: () => open(notice),
  };
  return {
    context: own,
    use: (made) => {
      prepared = made;
    },
  };
}
