import type { Control, ServerStatus } from "../../control/protocol.ts";
import type { Service } from "../../control/service.ts";
import { RegistryStateError } from "../../errors.ts";
import type { RegistryHost } from "./registry-host.ts";
import {
  describeForeign,
  hintFor,
  type StartOptions,
  startInBackground,
  startRegistry,
} from "./start-registry.ts";
import { waitForEnd } from "./stop-registry.ts";
import { waitUntilServing } from "./wait-until-serving.ts";

/** What came of it; what `restart --json` prints. */
export interface RestartReport {
  schemaVersion: 1;
  command: "restart";
  /**
   * Replaced: our server has new workers, and no request was dropped. Restarted: its service stopped and started it.
   * Started: it did not run.
   */
  outcome: "replaced" | "restarted" | "started";
  by: "socket" | "service" | "background";
  /** As `--service` takes it. */
  service?: string;
  pid?: number;
  /** Process ids of the new workers. */
  workers?: number[];
  /** What served before, where that was another release: it was stopped, and this one started. */
  previousVersion?: string;
  /** Path of the log of a server in the background. */
  log?: string;
}

/** Options of {@link restartRegistry}. */
export interface RestartOptions extends StartOptions {
  /** Of this program, as a server tells it in its status. */
  build: string;
  /** Called when a server of another release is stopped: it may take as long as its requests do. */
  onStopping?: (pid: number) => void;
}

/**
 * Puts new workers in the place of those of our server; another registry is restarted by its service. One that does
 * not run is started. Of our server new workers are those of the program on the disk: where the server is of another
 * release, it is stopped and this one started, since the two would not understand each other.
 *
 * @throws {RegistryStateError} if it is another's and its service was not named
 * @throws {RegistryCtlError} if it does not serve afterwards
 */
export async function restartRegistry(host: RegistryHost, options: RestartOptions): Promise<RestartReport> {
  const control = await host.findControl();
  if (control) {
    const before = await control.status();
    if (before.build !== options.build) return startOther(host, control, before, options);
    await control.restart();
    const { status } = await waitUntilServing(host, options);
    return { schemaVersion: 1, command: "restart", outcome: "replaced", by: "socket", ...oursOf(status) };
  }
  if (host.service) return restartByService(host, host.service, options);
  const [other] = await host.findForeign();
  if (other)
    throw new RegistryStateError(`${describeForeign(other)} is not ours to restart`, {
      hint: hintFor(other),
    });
  const { pid, log } = await startRegistry(host, options);
  return {
    ...{ schemaVersion: 1, command: "restart", outcome: "started", by: "background" },
    ...(pid === undefined ? {} : { pid }),
    ...(log === undefined ? {} : { log }),
  };
}

async function restartByService(
  host: RegistryHost,
  service: Service,
  options: RestartOptions,
): Promise<RestartReport> {
  const ran = (await service.isRunning()) ?? (await host.probe()).kind !== "nobody";
  await service.restart();
  const { status } = await waitUntilServing(host, options);
  const pid = status?.pid ?? (await service.pid());
  return {
    ...{ schemaVersion: 1, command: "restart", outcome: ran ? "restarted" : "started" },
    ...{ by: "service", service: service.spec },
    ...(pid === undefined ? {} : { pid }),
  };
}

/** Stops a server of ours that is of another release, and starts this one as that was started. */
async function startOther(
  host: RegistryHost,
  control: Control,
  { pid, version: previousVersion }: ServerStatus,
  options: RestartOptions,
): Promise<RestartReport> {
  const { service } = host;
  if (service && (await service.isRunning()) !== false)
    return { ...(await restartByService(host, service, options)), previousVersion };
  const manager = await host.managerOf(pid);
  const launch = manager === undefined ? host.relaunchOf(pid) : undefined;
  if (manager !== undefined || launch === undefined) {
    const by = manager === undefined ? "was not put in the background by us" : `is run by ${manager}`;
    throw new RegistryStateError(
      `process ${pid} is of another release (version ${previousVersion}), to which no workers of this one can be given, and ${by}`,
      {
        hint:
          manager === undefined
            ? "stop it, and start it as it was started"
            : `have that restart it: give --service ${manager}`,
      },
    );
  }
  await control.stop();
  options.onStopping?.(pid);
  // Nobody else would start it again: so no limit but its own, http.draintimeout.
  await waitForEnd(host, pid, { timeoutMs: Number.POSITIVE_INFINITY }, control);
  const started = await startInBackground(host, { timeoutMs: options.timeoutMs, launch });
  return {
    ...{ schemaVersion: 1, command: "restart", outcome: "restarted", by: "background", previousVersion },
    ...(started.pid === undefined ? {} : { pid: started.pid }),
    ...(started.log === undefined ? {} : { log: started.log }),
  };
}

function oursOf(status: ServerStatus | undefined): Pick<RestartReport, "pid" | "workers"> {
  if (!status) return {};
  const workers = status.workers.filter(({ state }) => state !== "draining").map(({ pid }) => pid);
  return { pid: status.pid, workers };
}
