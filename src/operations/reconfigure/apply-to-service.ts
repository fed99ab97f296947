import type { Service } from "../../control/service.ts";
import { RegistryCtlError } from "../../errors.ts";
import { messageOf } from "../../lib/message-of.ts";
import type { RegistryHost } from "../service/registry-host.ts";
import { waitUntilServing } from "../service/wait-until-serving.ts";

/** What {@link applyToService} works with. */
export interface ServiceChange {
  timeoutMs: number;
  /**
   * Puts the configuration that it ran with before in the place of the new one, and keeps that beside it.
   *
   * @returns where the new one is kept; undefined if no earlier one is known
   */
  bringBack: () => Promise<string | undefined>;
}

/**
 * Restarts a registry that reads its configuration only at its start, and waits until it can be read from. If it cannot in
 * time, it is started again with the configuration from before.
 *
 * @throws {RegistryCtlError} `ERR_RECONFIGURE` if it does not serve with the new one, which says what became of it
 */
export async function applyToService(
  host: RegistryHost,
  service: Service,
  { timeoutMs, bringBack }: ServiceChange,
): Promise<void> {
  try {
    await service.restart();
    await waitUntilServing(host, { timeoutMs });
  } catch (cause) {
    throw await goBack(host, service, { timeoutMs, bringBack }, cause);
  }
}

async function goBack(
  host: RegistryHost,
  service: Service,
  { timeoutMs, bringBack }: ServiceChange,
  cause: unknown,
): Promise<RegistryCtlError> {
  const why = `the registry does not serve with the new configuration: ${messageOf(cause)}`;
  const error = (what: string, hint: string): RegistryCtlError =>
    new RegistryCtlError("ERR_RECONFIGURE", `${why}; ${what}`, { cause, hint });
  try {
    const kept = await bringBack();
    if (kept === undefined) {
      const what = "no configuration is known that it has served with";
      return error(what, `put the file right, and restart ${service.describe()}`);
    }
    await service.restart();
    await waitUntilServing({ ...host, signal: new AbortController().signal }, { timeoutMs });
    return error("it serves with the old one again", `the new one is kept in ${kept}`);
  } catch (failure) {
    const what = `and it could not be brought back: ${messageOf(failure)}`;
    return error(what, "see registry-ctl status and registry-ctl tail");
  }
}
