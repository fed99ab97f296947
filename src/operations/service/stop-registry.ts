import type { Control } from "../../control/protocol.ts";
import type { Service } from "../../control/service.ts";
import { CancelledError, RegistryCtlError, RegistryStateError } from "../../errors.ts";
import type { RegistryHost } from "./registry-host.ts";
import { describeForeign, hintFor } from "./start-registry.ts";

const LOOK_EVERY_MS = 100;

/** Options of {@link stopRegistry}. */
export interface StopOptions {
  /** How long to wait for its end. */
  timeoutMs: number;
  /** Called once it has been asked. */
  onAsked?: (pid: number | undefined) => void;
}

/** What came of it; what `stop --json` prints. */
export interface StopReport {
  schemaVersion: 1;
  command: "stop";
  /** Nothing: it did not run. */
  outcome: "stopped" | "nothing";
  by?: "socket" | "service";
  /** As `--service` takes it. */
  service?: string;
  pid?: number;
}

/**
 * Stops the registry by its service, or else our server over its socket, and waits until it has ended. What looks
 * after a server must stop it: it would start it again.
 *
 * @throws {RegistryStateError} if it is looked after by something that was not named, or is not ours
 * @throws {RegistryCtlError} `ERR_STILL_RUNNING` if it has not ended in time; it ends later then
 * @throws {CancelledError} when the host's signal is aborted; it ends nevertheless
 */
export async function stopRegistry(host: RegistryHost, options: StopOptions): Promise<StopReport> {
  const { service } = host;
  const control = await host.findControl();
  if (service && !(control && (await service.isRunning()) === false))
    return stopByService(host, service, control, options);
  if (control) return stopOurs(host, control, options);
  const [other] = await host.findForeign();
  if (other)
    throw new RegistryStateError(`${describeForeign(other)} is not ours to stop`, { hint: hintFor(other) });
  return { schemaVersion: 1, command: "stop", outcome: "nothing" };
}

async function stopByService(
  host: RegistryHost,
  service: Service,
  control: Control | undefined,
  options: StopOptions,
): Promise<StopReport> {
  const ours = await control?.status().catch(() => undefined);
  const pid = ours?.pid ?? (await service.pid());
  // Where the service cannot tell, what listens at the address does.
  const ran =
    (await service.isRunning()) ?? (control !== undefined || (await host.probe()).kind !== "nobody");
  options.onAsked?.(pid);
  await service.stop();
  if (pid !== undefined) await waitForEnd(host, pid, options, undefined);
  else if (ran) await waitForSilence(host, options);
  return {
    ...{ schemaVersion: 1, command: "stop", outcome: ran ? "stopped" : "nothing" },
    ...{ by: "service", service: service.spec },
    ...(pid === undefined ? {} : { pid }),
  };
}

async function stopOurs(host: RegistryHost, control: Control, options: StopOptions): Promise<StopReport> {
  const { pid } = await control.status();
  const manager = await host.managerOf(pid);
  if (manager !== undefined && manager !== host.service?.spec)
    throw new RegistryStateError(`process ${pid} is run by ${manager}, which would start it again`, {
      hint: `stop it by that: give --service ${manager}`,
    });
  await control.stop();
  options.onAsked?.(pid);
  await waitForEnd(host, pid, options, control);
  return { schemaVersion: 1, command: "stop", outcome: "stopped", by: "socket", pid };
}

/** What stops it may be done before its process is, of which nothing is known. */
async function waitForSilence(host: RegistryHost, { timeoutMs }: StopOptions): Promise<void> {
  const deadlineMs = host.nowMs() + timeoutMs;
  while ((await host.probe()).kind !== "nobody") {
    if (host.signal.aborted)
      throw new CancelledError("not waited for any longer", {
        hint: "it has been stopped, and ends nevertheless",
      });
    if (host.nowMs() >= deadlineMs)
      throw new RegistryCtlError(
        "ERR_STILL_RUNNING",
        `${host.service?.describe()} has stopped it, but something still answers at its address ` +
          `after ${timeoutMs / 1000} seconds`,
        { hint: "see registry-ctl status, and what else listens there" },
      );
    await host.sleep(LOOK_EVERY_MS);
  }
}

/**
 * Waits for the end of a process that was asked to end.
 *
 * @param control - of our server, which tells what it is waiting for
 * @throws as {@link stopRegistry} does
 */
export async function waitForEnd(
  host: RegistryHost,
  pid: number,
  { timeoutMs }: Pick<StopOptions, "timeoutMs">,
  control: Control | undefined,
): Promise<void> {
  const deadlineMs = host.nowMs() + timeoutMs;
  while (host.isAlive(pid)) {
    if (host.signal.aborted)
      throw new CancelledError("not waited for any longer", {
        hint: "it has been asked, and ends nevertheless",
      });
    if (host.nowMs() >= deadlineMs) {
      const status = await control?.status().catch(() => undefined);
      const requests = status ? `, with ${status.requestsInFlight} requests under way` : "";
      throw new RegistryCtlError(
        "ERR_STILL_RUNNING",
        `process ${pid} has been asked to stop, but is still there after ${timeoutMs / 1000} seconds${requests}`,
        {
          hint: "it lets running requests end; http.draintimeout limits that, and --timeout how long this waits",
        },
      );
    }
    await host.sleep(LOOK_EVERY_MS);
  }
}
