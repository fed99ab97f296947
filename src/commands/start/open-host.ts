import type { LoadedConfig } from "../../config/settings.ts";
import type { RegistryHost } from "../../operations/service/registry-host.ts";
import { type ChosenService, chooseService } from "../../process/service/choose-service.ts";
import { registryHost } from "../../process/service/host.ts";
import type { CommandContext, GlobalFlags } from "../context.ts";

/** Options of all commands that start, stop or ask the registry. */
export interface HostFlags extends GlobalFlags {
  stateDir?: string;
  /** `--service SPEC`. */
  service?: string;
  /** `--ctl-config FILE`. */
  ctlConfig?: string;
  /** `--control-socket FILE`. */
  controlSocket?: string;
}

/** The registry that a command is about. */
export interface OpenedHost {
  config: LoadedConfig;
  host: RegistryHost;
  chosen: ChosenService;
  /** Remembers `--service`, and says so; to be called when the command has succeeded with it. */
  remember(): void;
}

/** Finds the registry's configuration and what runs it. Root is still root afterwards. */
export async function openHost(
  context: CommandContext,
  argument: string | undefined,
  flags: HostFlags,
  options: { timeoutMs?: number } = {},
): Promise<OpenedHost> {
  const config = await context.loadConfig({ argument, flags });
  const chosen = chooseService(flags, config, context, options);
  for (const notice of chosen.notices) context.notice(notice, flags);
  const host = registryHost(config, { flags, service: chosen.service, signal: context.signal });
  return {
    config,
    host,
    chosen,
    remember() {
      const told = chosen.remember();
      if (told !== undefined) context.notice(told, flags);
    },
  };
}
