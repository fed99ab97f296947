import type { BackgroundServer } from "../../control/background-server.ts";
import {
  CancelledError,
  ConfigError,
  RegistryCtlError,
  RegistryStateError,
  StorageUnavailableError,
} from "../../errors.ts";
import type { ForeignRegistry, RegistryHost } from "./registry-host.ts";
import { isAnswering, quoteLog, type ServingRegistry, waitUntilServing } from "./wait-until-serving.ts";

const LOG_LINES = 15;

/** Options of {@link startRegistry}. */
export interface StartOptions {
  /** How long to wait until it serves. */
  timeoutMs: number;
  /** Starts the server in the background. */
  launch: () => Promise<BackgroundServer> | BackgroundServer;
}

/** What came of it; what `start --json` prints. */
export interface StartReport {
  schemaVersion: 1;
  command: "start";
  /** Running: it did so before. */
  outcome: "started" | "running";
  by?: "background" | "service";
  /** As `--service` takes it. */
  service?: string;
  pid?: number;
  /** As clients see it; known of our server only. */
  address?: string;
  /** Path of the log of a server in the background. */
  log?: string;
}

/**
 * Starts the registry by its service, or else our server in the background, and waits until it serves.
 *
 * @throws {RegistryStateError} if another registry works on the store
 * @throws {RegistryCtlError} with the last lines of its log if it is not as it should be. One in the background has ended
 *   then, unless it answers clients; where it ended by itself, the error's class is that of its own
 */
export async function startRegistry(host: RegistryHost, options: StartOptions): Promise<StartReport> {
  const { service } = host;
  const before = await (await host.findControl())?.status();
  if (before) return reportOf("running", { control: undefined, status: before }, {});
  if (service) {
    // Where the service cannot tell, what answers at the address is taken for it.
    const wasRunning = (await service.isRunning()) ?? isAnswering(await host.probe());
    if (!wasRunning) {
      await refuseForeign(host);
      await service.start();
    }
    const serving = await waitUntilServing(host, options);
    const pid = serving.status?.pid ?? (await service.pid());
    return reportOf(wasRunning ? "running" : "started", serving, {
      ...(wasRunning ? {} : { by: "service" as const }),
      service: service.spec,
      ...(pid === undefined ? {} : { pid }),
    });
  }
  await refuseForeign(host);
  return startInBackground(host, options);
}

/**
 * Starts our server in the background, and waits until it serves.
 *
 * @throws as {@link startRegistry} does
 */
export async function startInBackground(
  host: RegistryHost,
  { timeoutMs, launch }: StartOptions,
): Promise<StartReport> {
  const server = await launch();
  try {
    const check = (): void => throwIfEnded(server);
    const serving = await waitUntilServing(host, { timeoutMs, pid: server.pid, check });
    server.letGo();
    return reportOf("started", serving, { by: "background", pid: server.pid, log: server.log });
  } catch (error) {
    const code = server.exitCode();
    const isWanted = code === undefined && error instanceof RegistryCtlError && !isCancelled(error);
    if (isWanted && !(await isAnotherServing(host, server)) && isAnswering(await host.probe())) {
      server.letGo();
      throw leftServing(error, server);
    }
    await server.end();
    if (isCancelled(error))
      throw new CancelledError("stopped before the server served; it has been ended", { cause: error });
    if (code !== undefined || !(error instanceof RegistryCtlError)) throw error;
    const said = quoteLog(server.lastLines(LOG_LINES));
    throw new RegistryCtlError(error.code, `${error.message}; it has been ended${said}`, { cause: error });
  }
}

/** Then what answers clients is that one. */
async function isAnotherServing(host: RegistryHost, { pid }: BackgroundServer): Promise<boolean> {
  try {
    const status = await (await host.findControl())?.status();
    return status !== undefined && status.pid !== pid;
  } catch {
    return false;
  }
}

function isCancelled(error: unknown): error is CancelledError {
  return error instanceof CancelledError;
}

/** Clients may be served by it already: that is not taken from them because commands want more of it. */
function leftServing(cause: RegistryCtlError, server: BackgroundServer): RegistryCtlError {
  const said = quoteLog(server.lastLines(LOG_LINES));
  return new RegistryCtlError(cause.code, `${cause.message}; process ${server.pid} is left serving${said}`, {
    cause,
    hint: `put right what its log says (${server.log}), then end it with "kill ${server.pid}" and start it again`,
  });
}

function throwIfEnded(server: BackgroundServer): void {
  const code = server.exitCode();
  if (code === undefined) return;
  const message = `the server ended with exit code ${code} before it served${quoteLog(server.lastLines(LOG_LINES))}`;
  const hint = `its log is ${server.log}`;
  switch (code) {
    case 10:
      throw new ConfigError(message, { hint });
    case 11:
      throw new StorageUnavailableError(message, { hint });
    case 12:
      throw new RegistryStateError(message, { hint });
    default:
      throw new RegistryCtlError("ERR_START", message, { hint });
  }
}

/** @throws {RegistryStateError} if a registry works on the store that does not speak with us */
export async function refuseForeign(host: RegistryHost): Promise<void> {
  const [other] = await host.findForeign();
  if (other === undefined) return;
  throw new RegistryStateError(`${describeForeign(other)} works on this store already`, {
    hint: hintFor(other),
  });
}

/** @returns `the registry with process id 7 (/usr/bin/docker-registry)` */
export function describeForeign({ pid, program }: ForeignRegistry): string {
  return `the registry with process id ${pid}${program === undefined ? "" : ` (${program})`}`;
}

/** @returns how to say what looks after a registry, where that is known */
export function hintFor({ manager }: ForeignRegistry): string {
  return manager === undefined
    ? "say what starts and stops it: --service systemd:UNIT, runit:NAME or command:LINE"
    : `it is run by ${manager}: give --service ${manager}`;
}

function reportOf(
  outcome: StartReport["outcome"],
  { status }: ServingRegistry,
  more: Partial<StartReport>,
): StartReport {
  const ours = status && { pid: status.pid, address: status.address };
  return { schemaVersion: 1, command: "start", outcome, ...more, ...ours };
}
