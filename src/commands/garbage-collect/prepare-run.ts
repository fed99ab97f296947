import { resolve } from "node:path";
import type { LoadedConfig } from "../../config/settings.ts";
import { storeName } from "../../config/store-name.ts";
import { prepareTextfile, type Textfile } from "../../process/files/prepare-textfile.ts";
import { registryUserOf } from "../../process/machine/registry-user.ts";
import { currentMachine, type RunMachine } from "../../process/machine/run-process.ts";
import { type PreparedState, prepareState } from "../../process/state/prepare-state.ts";
import { readRunHistory } from "../../state/run-history.ts";
import type { RunIdentity } from "../../state/run-record.ts";
import { RunRecorder } from "../../state/run-recorder.ts";
import type { CommandContext } from "../context.ts";
import { describeRequest, type GarbageFlags, type GarbageRequest } from "./garbage-flags.ts";
import { type ProbeAuthorization, readProbeKey } from "./probe-authorization.ts";
import { RecordedRun } from "./recorded-run.ts";
import { METRICS_PREFIX } from "./render-metrics.ts";
import { RunMeter } from "./run-meter.ts";

/** What a run has beside the store. */
export interface PreparedRun {
  request: GarbageRequest;
  machine: RunMachine;
  identity: RunIdentity;
  meter: RunMeter;
  /** Undefined without a key to sign tokens with. */
  authorize: ProbeAuthorization | undefined;
  /** Undefined if there is none. */
  stateFolder: string | undefined;
  /** Undefined for a dry run: it changes nothing, so nobody needs to know of it. */
  recorded: RecordedRun | undefined;
  /** Grows during the run: what went wrong beside the work itself. */
  warnings: string[];
}

/**
 * Makes ready what is kept of a run outside the store. To be called before the store is opened, when root becomes the
 * user that owns it.
 *
 * @param given - the state folder, where it has been made
 * @throws {UsageError} if `--textfile` cannot be written, or `--key` names nothing that tokens can be signed with
 */
export async function prepareRun(
  context: CommandContext,
  config: LoadedConfig,
  flags: GarbageFlags,
  request: GarbageRequest,
  given?: PreparedState,
): Promise<PreparedRun> {
  const { auth, storage } = config.settings;
  const authorize = await readProbeKey(flags.key, { cwd: context.cwd, auth });
  const machine = currentMachine();
  const identity = identityOf(machine);
  const textfile = textfileOf(context, config, flags, request);
  const state = given ?? prepareState(storage, flags.stateDir, await registryUserOf(config));
  const warnings: string[] = [];
  if (state.folder === undefined && state.problem !== undefined)
    warnings.push(`there is no state folder (${state.problem}): status, journal and cache do without`);
  const history = readRunHistory(state.folder === undefined ? [] : [state.folder]);
  const meter = new RunMeter(
    () => performance.now(),
    history.last?.found ? history.last : history.lastSuccess,
  );
  const prepared = { request, authorize, machine, identity, meter, stateFolder: state.folder, warnings };
  if (request.dryRun) return { ...prepared, recorded: undefined };
  const description = {
    identity,
    config: config.source.kind === "file" ? resolve(config.source.path) : undefined,
    options: describeRequest(request),
  };
  const recorder =
    state.folder === undefined
      ? undefined
      : new RunRecorder(
          state.folder,
          description,
          (problem) => void warnings.push(`status does not tell all of this run: ${problem}`),
        );
  const recorded = new RecordedRun({
    meter,
    recorder,
    history,
    textfile,
    store: storeName(storage),
    exitCodeOf: (error) => context.exitCodeOf(error),
    onWarning: (warning) => void warnings.push(warning),
  });
  return { ...prepared, recorded };
}

function identityOf(machine: RunMachine): RunIdentity {
  const { host, bootId, pidNamespace, pid } = machine;
  const startedAt = new Date().toISOString();
  const processStart = machine.startOf(pid);
  return {
    id: `${startedAt}-${pid}`,
    host,
    bootId,
    pidNamespace,
    pid,
    ...(processStart === undefined ? {} : { processStart }),
    startedAt,
  };
}

/** @returns what metrics are written into; undefined if nobody wants any */
export function textfileOf(
  context: CommandContext,
  config: LoadedConfig,
  flags: GarbageFlags,
  request: GarbageRequest,
): Textfile | undefined {
  if (flags.textfile === undefined) return undefined;
  if (!request.dryRun) return prepareTextfile(config.settings.storage, flags.textfile, METRICS_PREFIX);
  context.notice("note: a dry run leaves the text file as it is", flags);
  return undefined;
}
