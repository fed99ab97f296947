import type { LoadedConfig } from "../../config/settings.ts";
import type { ServerBeside } from "../../operations/move/move-options.ts";
import { locateServer } from "../../process/control/find-server.ts";
import type { MoveFlags } from "./move-flags.ts";

/**
 * @param drainMs - pushes under way may go on for so long
 * @returns the server of ours that runs with a configuration; undefined if there is none
 */
export async function findServerBeside(
  config: LoadedConfig,
  flags: MoveFlags,
  drainMs: number,
): Promise<ServerBeside | undefined> {
  if (flags.readOnlyStore) return undefined;
  const found = await locateServer(config, flags);
  if (found === undefined) return undefined;
  const { control, record } = found;
  return {
    pid: record?.pid ?? (await control.status()).pid,
    async hold(names, reason, signal) {
      const held = await control.holdNames({ names: [...names], reason, drainMs }, signal);
      return {
        check: () => held.check(),
        release: () => held.release(),
        async dropCaches() {
          held.check();
          await control.flushCaches();
        },
      };
    },
  };
}
