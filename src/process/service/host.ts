import { setTimeout as sleep } from "node:timers/promises";
import { probeReads, type ReadProbeResult } from "../../client/read-probe.ts";
import type { ProbeTarget } from "../../client/write-probe.ts";
import type { LoadedConfig } from "../../config/settings.ts";
import type { Control } from "../../control/protocol.ts";
import type { Service } from "../../control/service.ts";
import { type FindServerFlags, locateServer } from "../control/find-server.ts";
import { locateServerOfConfig } from "../control/server-of-config.ts";
import { findRegistries } from "../machine/find-registries.ts";
import { currentHolder } from "../machine/host-identity.ts";
import { DEFAULT_ADDR } from "../workers/listen-address.ts";
import { managerOf } from "./manager-of.ts";
import { factsOf } from "./process-facts.ts";
import { readLog } from "./read-log.ts";
import { relaunchOf } from "./relaunch-server.ts";

/** What a {@link registryHost} is made of. */
export interface HostOptions {
  flags: FindServerFlags;
  service: Service | undefined;
  signal: AbortSignal;
}

/**
 * This host, as the commands see it that start, stop and look at the registry of a configuration. To be used before
 * root switches to another user.
 */
export function registryHost(config: LoadedConfig, { flags, service, signal }: HostOptions) {
  const { isAlive } = currentHolder();
  return {
    service,
    signal,
    findControl: async (pid?: number): Promise<Control | undefined> =>
      (await locateServer(config, { ...flags, pid }))?.control,
    findOfConfig: async (): Promise<Control | undefined> =>
      (await locateServerOfConfig(config, flags))?.control,
    async findForeign() {
      const own = await locateServer(config, flags);
      const ownPid = own?.record?.pid ?? (await own?.control.status().catch(() => undefined))?.pid;
      const found = (await findRegistries(config)).filter(
        ({ pid, usesOurStore, usesOurConfig }) =>
          pid !== ownPid && (usesOurStore === true || (usesOurConfig && usesOurStore !== false)),
      );
      return Promise.all(
        found.map(async ({ pid }) => {
          const manager = await managerOf(pid);
          return { pid, ...factsOf(pid), ...(manager === undefined ? {} : { manager }) };
        }),
      );
    },
    managerOf: (pid: number) => managerOf(pid),
    relaunchOf,
    probe: (): Promise<ReadProbeResult> => probeReads(probeTargetOf(config)),
    serviceLog: async (count: number): Promise<string[]> =>
      service ? readLog(await service.log(), count) : [],
    isAlive,
    sleep: async (ms: number): Promise<void> => void (await sleep(ms)),
    nowMs: Date.now,
  };
}

/** @returns where the registry of a configuration is asked, without signing in */
export function probeTargetOf({ settings }: LoadedConfig): ProbeTarget {
  const { addr, net, prefix, tls } = settings.http;
  return { addr: addr === "" && net === "tcp" ? DEFAULT_ADDR : addr, net, prefix, tls: tls !== undefined };
}
