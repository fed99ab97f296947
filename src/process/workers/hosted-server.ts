import type { Server } from "node:net";
import type { TagSetRequest } from "../../control/protocol.ts";
import type { HeldName } from "../../lib/held-name.ts";
import type { Logger } from "../../lib/logger.ts";
import type { Audit } from "../../server/audit.ts";
import type { Coordination } from "../../server/coordination/coordination.ts";
import type { StorageDriver } from "../../storage/driver.ts";
import type { ServerLoad, StartOrder } from "./messages.ts";

/** What a process needs of the server that it runs. */
export interface HostedServer {
  /** Not listening yet. */
  readonly server: Server & { closeAllConnections(): void };
  /**
   * Refuses writes from now on, or takes them again.
   *
   * @param drainMs - how long writes that have begun may go on; then they are cut off
   * @returns when none of them is under way any more, or writes are taken again: how many were cut off
   * @throws {RegistryCtlError} if one cannot be ended
   */
  setReadOnly(on: boolean, drainMs: number): Promise<number>;
  /**
   * Takes no writes to these repositories from now on, and to all others.
   *
   * @param drainMs - as with `setReadOnly`
   * @returns when no write to them is under way any more: how many were cut off
   * @throws {RegistryCtlError} if one cannot be ended
   */
  holdNames(names: readonly HeldName[], drainMs: number): Promise<number>;
  flushCaches(): void;
  /** Points a tag to a manifest, as a push of that manifest does. @throws {RegistryCtlError} if that cannot be, with nothing changed */
  setTag(request: TagSetRequest): Promise<void>;
  load(): ServerLoad;
  /**
   * Stops listening. Connections are given one more answer each.
   *
   * @param hurry - ends the waiting
   * @returns when there is no connection any more, or `forMs` is over
   */
  retire(forMs: number, hurry: AbortSignal): Promise<void>;
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
  /** Undefined: nothing is written down. */
  audit?: Audit | undefined;
  logger: Logger;
  /** Takes a line of the access log, without newline. */
  accessLog: (line: string) => void;
}

/** Makes the server of one process; {@link import("./registry-server.ts").createServer} but in tests. */
export type ServerFactory = (parts: ServerParts) => HostedServer | Promise<HostedServer>;
