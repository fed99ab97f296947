import type { ServiceSpec } from "../../config/service-spec.ts";
import type { Service } from "../../control/service.ts";
import { CommandService } from "./command-service.ts";
import type { ProgramOptions } from "./run-program.ts";
import { RunitService } from "./runit-service.ts";
import { SystemdService } from "./systemd-service.ts";

/** What a service is run with. */
export interface ServiceOptions {
  /** How long starting or stopping may take; 90 seconds by default. */
  timeoutMs?: number;
  /** Environment of the programs that are run; that of this process by default. */
  env?: Readonly<Record<string, string | undefined>>;
}

/** As long as systemd gives a unit by default. */
const DEFAULT_TIMEOUT_MS = 90_000;

/**
 * Gives hands to what runs a registry. Nothing is run or looked at yet. To be called, and used, before root switches to
 * another user.
 */
export function openService(
  spec: ServiceSpec,
  { timeoutMs = DEFAULT_TIMEOUT_MS, env }: ServiceOptions = {},
): Service {
  const options: ProgramOptions = { timeoutMs, env };
  switch (spec.kind) {
    case "systemd":
      return new SystemdService(spec.unit, options);
    case "runit":
      return new RunitService(spec.service, options);
    case "command":
      return new CommandService(spec, options);
  }
}
