import type { Control, ReloadAnswer, ServerStatus } from "../../control/protocol.ts";
import { RegistryStateError } from "../../errors.ts";
import type { RegistryHost } from "./registry-host.ts";
import { describeForeign } from "./start-registry.ts";
import { waitUntilServing } from "./wait-until-serving.ts";

/** What came of it; what `reload --json` prints. */
export interface ReloadReport extends ReloadAnswer {
  schemaVersion: 1;
  command: "reload";
  /** Nothing was changed: it says what would be. */
  dryRun: boolean;
  pid: number;
  /** Of the settings in use now. */
  settingsDigest: string;
  configFile?: string;
}

/**
 * Makes our server read its configuration again, and waits until it serves with it.
 *
 * @throws {ConfigError} if the configuration is wrong; nothing has changed then
 * @throws {RegistryStateError} if no server of ours runs
 */
export async function reloadRegistry(
  host: RegistryHost,
  options: { timeoutMs: number },
): Promise<ReloadReport> {
  const control = await controlOf(host);
  const answer = await control.reload();
  const { status } = await waitUntilServing({ ...host, findControl: async () => control }, options);
  return reportOf(answer, status ?? (await control.status()), false);
}

/**
 * Tells what {@link reloadRegistry} would change.
 *
 * @throws as that does
 */
export async function previewReload(host: RegistryHost): Promise<ReloadReport> {
  const control = await controlOf(host);
  return reportOf(await control.previewReload(), await control.status(), true);
}

/** @throws {RegistryStateError} if no server of ours runs */
async function controlOf(host: RegistryHost): Promise<Control> {
  const control = (await host.findControl()) ?? (await host.findOfConfig());
  if (control) return control;
  throw await nothingToReload(host);
}

function reportOf(answer: ReloadAnswer, status: ServerStatus, dryRun: boolean): ReloadReport {
  const { pid, settingsDigest, configFile } = status;
  return {
    ...{ schemaVersion: 1, command: "reload", dryRun, pid, settingsDigest },
    ...(configFile === undefined ? {} : { configFile }),
    ...answer,
  };
}

async function nothingToReload(host: RegistryHost): Promise<RegistryStateError> {
  const [other] = await host.findForeign();
  if (!other)
    return new RegistryStateError("the registry does not run", { hint: "start it: registry-ctl start" });
  return new RegistryStateError(`${describeForeign(other)} reads its configuration only at its start`, {
    hint: "restart it: registry-ctl restart --service SPEC",
  });
}
