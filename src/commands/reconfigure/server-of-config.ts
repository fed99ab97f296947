import { realpathSync } from "node:fs";
import { resolve } from "node:path";
import type { Control, ServerStatus } from "../../control/protocol.ts";
import type { Service } from "../../control/service.ts";
import { RegistryStateError } from "../../errors.ts";
import type { RegistryHost } from "../../operations/service/registry-host.ts";
import { describeForeign, hintFor } from "../../operations/service/start-registry.ts";

/** Who is to take the configuration. */
export type ServerOfConfig =
  | { kind: "ours"; control: Control; status: ServerStatus }
  | { kind: "service"; service: Service }
  | { kind: "none" };

/**
 * Finds the server that runs with a configuration.
 *
 * @param path - of the configuration
 * @throws {RegistryStateError} if ours reads another file, or somebody else's server runs whose service nobody has named
 */
export async function serverOf(host: RegistryHost, path: string): Promise<ServerOfConfig> {
  // The file may name another store by now.
  const control = (await host.findControl()) ?? (await host.findOfConfig());
  if (control !== undefined) {
    const status = await control.status();
    requireSameFile(status, path);
    return { kind: "ours", control, status };
  }
  const { service } = host;
  if (service !== undefined) {
    const runs = (await service.isRunning()) ?? (await host.probe()).kind !== "nobody";
    return runs ? { kind: "service", service } : { kind: "none" };
  }
  const [other] = await host.findForeign();
  if (other === undefined) return { kind: "none" };
  throw new RegistryStateError(`${describeForeign(other)} reads its configuration only at its start`, {
    hint: hintFor(other),
  });
}

function requireSameFile({ configFile, pid }: ServerStatus, path: string): void {
  if (configFile !== undefined && realPath(configFile) === realPath(path)) return;
  const its = configFile ?? "the embedded configuration";
  throw new RegistryStateError(
    `the running server (process ${pid}) uses ${its}, and would not take ${path}`,
    {
      hint:
        configFile === undefined
          ? "start it with the file: registry-ctl stop, then registry-ctl start FILE"
          : `name that file: registry-ctl reconfigure ${configFile}`,
    },
  );
}

function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return resolve(path);
  }
}
