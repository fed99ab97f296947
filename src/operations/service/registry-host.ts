import type { ReadProbeResult } from "../../client/read-probe.ts";
import type { BackgroundServer } from "../../control/background-server.ts";
import type { Control } from "../../control/protocol.ts";
import type { Service } from "../../control/service.ts";

/** What the program of our own servers is called. */
export const OWN_PROGRAM = "registry-ctl";

/** A registry process on this host that works on the store, and that no control socket speaks for. */
export interface ForeignRegistry {
  pid: number;
  /** Path of its program, where that may be seen; of ours {@link OWN_PROGRAM}. */
  program?: string;
  /** ISO 8601, UTC. */
  startedAt?: string;
  /** What looks after it, as `--service` takes it; left out if nothing is known to. */
  manager?: string;
}

/** The host on which a registry runs, or is to run, as far as the commands for it need one. */
export interface RegistryHost {
  /** Our server, if one runs. With its process id: no other one of the store, as far as the servers tell theirs. */
  findControl(pid?: number): Promise<Control | undefined>;
  /** Our server that was started with the configuration file, also where that names another store by now. */
  findOfConfig(): Promise<Control | undefined>;
  /** What starts and stops the registry, if somebody has said that. */
  service: Service | undefined;
  /** Other registries on this store. */
  findForeign(): Promise<ForeignRegistry[]>;
  /** @returns what looks after a process and would start it again, as `--service` takes it; undefined: nothing */
  managerOf(pid: number): Promise<string | undefined>;
  /** @returns what starts a server of ours again that was put in the background; undefined: it was started otherwise */
  relaunchOf(pid: number): (() => BackgroundServer) | undefined;
  /** Asks at the address of the configuration whether a registry can be read from. */
  probe(): Promise<ReadProbeResult>;
  /** @returns the last lines that the service has logged */
  serviceLog(count: number): Promise<string[]>;
  isAlive(pid: number): boolean;
  sleep(ms: number): Promise<void>;
  nowMs(): number;
  /** Ends waiting. */
  signal: AbortSignal;
}
