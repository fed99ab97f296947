import { existsSync } from "node:fs";
import { join } from "node:path";
import { parseServiceSpec } from "../../config/service-spec.ts";
import type { LoadedConfig } from "../../config/settings.ts";
import type { LogSource } from "../../control/service.ts";
import { registryUserOf } from "../machine/registry-user.ts";
import { stateFoldersOf } from "../state/find-state.ts";
import type { registryHost } from "./host.ts";
import { SERVER_LOG } from "./launch-server.ts";
import { openService } from "./open-service.ts";
import { logOfProcess } from "./process-log.ts";

/**
 * Finds the log of a registry: that of its service, else of the process that serves the store, else what the last
 * server in the background has left. To be called before root switches to another user.
 *
 * @param stateDir - `--state-dir`
 */
export async function findLog(
  config: LoadedConfig,
  host: Pick<ReturnType<typeof registryHost>, "service" | "findControl" | "findForeign" | "managerOf">,
  stateDir: string | undefined,
): Promise<LogSource> {
  if (host.service) return host.service.log();
  const pid = (await (await host.findControl())?.status())?.pid ?? (await host.findForeign())[0]?.pid;
  if (pid !== undefined) {
    const manager = await host.managerOf(pid);
    if (manager !== undefined) {
      const log = await openService(parseServiceSpec(manager)).log();
      if (log.kind !== "none") return log;
    }
    return logOfProcess(pid);
  }
  const folders = stateFoldersOf(config.settings.storage, stateDir, await registryUserOf(config));
  const path = folders.map((folder) => join(folder, SERVER_LOG)).find((file) => existsSync(file));
  if (path !== undefined) return { kind: "file", path };
  return {
    kind: "none",
    reason: "the registry does not run, and no server in the background has left a log",
  };
}
