import type { Server } from "node:net";
import type { Logger } from "../lib/logger.ts";
import type { Coordination } from "../server/coordination/coordination.ts";
import type { StorageDriver } from "../storage/driver.ts";
import type { StartOrder } from "./messages.ts";

/** What a process needs of the server that it runs. */
export interface HostedServer {
  /** Not listening yet. */
  readonly server: Server & { closeAllConnections(): void };
  setReadOnly(on: boolean): void;
  /**
   * Resolves when all requests have ended or `timeoutMs` is over (0: waits for all), with the number of those that
   * were cut off.
   */
  drain(timeoutMs: number): Promise<number>;
}

/** What a server is made of. */
export interface ServerParts {
  order: StartOrder;
  /** The store, if this process has opened it already. */
  storage?: StorageDriver | undefined;
  coordination: Coordination;
  logger: Logger;
  /** Takes a line of the access log, without newline. */
  accessLog: (line: string) => void;
}

/** Makes the server of one process; {@link import("./registry-server.ts").createServer} but in tests. */
export type ServerFactory = (parts: ServerParts) => HostedServer | Promise<HostedServer>;
