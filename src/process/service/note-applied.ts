import { resolve } from "node:path";
import type { LoadedConfig } from "../../config/settings.ts";
import type { Control } from "../../control/protocol.ts";
import { messageOf } from "../../lib/message-of.ts";
import { writeAppliedSettings } from "../../state/applied-settings.ts";
import { registryUserOf } from "../machine/registry-user.ts";
import { prepareState } from "../state/prepare-state.ts";

/**
 * Remembers in the state folder which settings our server uses now, since a command has made it do so; see
 * `readAppliedSettings`. Does nothing where no server of ours runs. To be called before root switches to another
 * user. Never rejects.
 *
 * @param command - `start`, `reload` or `reconfigure`
 * @returns why it is not remembered, for people
 */
export async function noteApplied(
  config: LoadedConfig,
  stateDir: string | undefined,
  host: { findControl(): Promise<Control | undefined> },
  command: string,
): Promise<string | undefined> {
  try {
    const status = await (await host.findControl())?.status();
    if (!status) return undefined;
    const { folder } = prepareState(config.settings.storage, stateDir, await registryUserOf(config));
    if (folder === undefined) return undefined;
    writeAppliedSettings(folder, {
      settingsDigest: status.settingsDigest,
      ...(status.configFile === undefined ? {} : { configFile: resolve(status.configFile) }),
      appliedAt: new Date().toISOString(),
      command,
    });
    return undefined;
  } catch (error) {
    return `which settings were applied is not remembered: ${messageOf(error)}`;
  }
}
