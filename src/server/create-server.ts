import http from "node:http";
import type https from "node:https";
import type { Duplex } from "node:stream";
import type { Settings } from "../config/settings.ts";
import type { TagSetRequest } from "../control/protocol.ts";
import { type HeldName, isHeld } from "../lib/held-name.ts";
import type { Logger } from "../lib/logger.ts";
import type { Registry } from "../registry/registry.ts";
import type { Audit } from "./audit.ts";
import type { AccessController } from "./auth/access.ts";
import { createAccessController } from "./auth/create-access-controller.ts";
import { BufferRings } from "./buffer-rings.ts";
import { closeGently } from "./close-gently.ts";
import { configuredHeaders } from "./configured-headers.ts";
import type { Coordination } from "./coordination/coordination.ts";
import { ExternalUrls } from "./external-url.ts";
import { handleRequest } from "./handle-request.ts";
import { Http1Wire } from "./http1-wire.ts";
import { Http2Connections } from "./http2-connections.ts";
import { Http2Wire } from "./http2-wire.ts";
import { MemoryBudget } from "./memory-budget.ts";
import { createNodeServer } from "./node-server.ts";
import type { ServerContext } from "./server-context.ts";
import { DEFAULT_LIMITS, type ServerLimits } from "./server-limits.ts";
import { setTag } from "./set-tag.ts";
import { UploadState } from "./upload-state.ts";
import { isMidAnswer } from "./when-closed.ts";
import type { Wire } from "./wire.ts";
import { WritesInFlight } from "./writes-in-flight.ts";

/** What a server is made of. */
export interface RegistryServerOptions {
  registry: Registry;
  settings: Settings;
  coordination: Coordination;
  /** Is told of what is overwritten and deleted. */
  audit?: Audit | undefined;
  logger: Logger;
  /** Takes one line of the access log, without newline, for every request when it has ended. */
  accessLog: (line: string) => void;
  /** `http.secret`, or one made at random: the same for all workers, and for all nodes that share uploads. */
  secret: string;
  /** Repositories that take no writes until it is told otherwise; default: none. */
  heldNames?: readonly HeldName[] | undefined;
  /** Other bounds than those of production, for tests. */
  limits?: Partial<ServerLimits>;
  /** Decides in place of what `settings.auth` asks for, for tests. */
  access?: AccessController;
}

/** A server of the registry's HTTP API. */
export interface RegistryServer {
  /** Not listening yet: whoever calls `listen` decides on sharing the socket. */
  server: http.Server | https.Server;
  /**
   * Refuses writes from now on, or takes them again.
   *
   * @param drainMs - how long writes that have begun may go on; then they are cut off. Default: as long as they need,
   *   and nobody waits for them
   * @returns when none of them is under way any more, or writes are taken again: how many were cut off
   * @throws {RegistryStateError} if one does not end although it was cut off
   */
  setReadOnly(on: boolean, drainMs?: number): Promise<number>;
  /**
   * Takes no writes to these repositories from now on, and to all others.
   *
   * @param drainMs - how long writes to them that have begun may go on; then they are cut off
   * @returns when none of them is under way any more: how many were cut off
   * @throws {RegistryStateError} if one does not end
   */
  holdNames(names: readonly HeldName[], drainMs: number): Promise<number>;
  /** Forgets what is remembered of the store's content. */
  flushCaches(): void;
  /** Points a tag to a manifest that its repository has. @throws {RegistryCtlError} if that cannot be, with nothing changed */
  setTag(request: TagSetRequest): Promise<void>;
  /**
   * Stops listening, where other servers take the next connections. Whoever is connected is given one more answer, which
   * tells that the connection ends; so no request is lost on its way.
   *
   * @param hurry - ends the waiting
   * @returns when there is no connection any more, or `forMs` is over; {@link drain} ends the rest
   */
  retire(forMs: number, hurry: AbortSignal): Promise<void>;
  /**
   * Stops listening and keeping connections alive.
   *
   * @param timeoutMs - how long requests may go on; 0: as long as they need
   * @returns when all requests have ended, or the time is over and the rest was cut off: how many those were
   */
  drain(timeoutMs: number): Promise<number>;
  /** Requests whose answer has not left yet. */
  requestsInFlight(): number;
  /** The same, and those of them that write uploads. */
  load(): { requestsInFlight: number; uploadsInFlight: number };
  /** Cuts off every connection, whatever is spoken on it. */
  closeAllConnections(): void;
}

/**
 * Makes a server over a registry.
 *
 * @throws {ConfigError} if `http.tls` names files that cannot be used
 */
export function createRegistryServer(options: RegistryServerOptions): RegistryServer {
  const context = createContext(options);
  const inFlight = new InFlight();
  const handle = (wire: Wire, awaitsContinue: boolean, onEnd?: () => void): void => {
    inFlight.begin();
    handleRequest(context, wire, {
      awaitsContinue,
      onEnd: () => {
        inFlight.end();
        onEnd?.();
      },
    });
  };
  const http2 = new Http2Connections(context.limits, (request, response, awaitsContinue, onEnd) =>
    handle(new Http2Wire(request, response), awaitsContinue, onEnd),
  );
  const { server, dropUnknown } = createNodeServer(
    context.settings.http,
    context.limits,
    context.logger,
    (socket) => http2.accept(socket),
  );
  server.on("request", (request, response) => handle(new Http1Wire(request, response), false));
  server.on("checkContinue", (request, response) => handle(new Http1Wire(request, response), true));
  server.on("clientError", answerBrokenRequest);
  return {
    server,
    setReadOnly: async (on, drainMs) => {
      context.readOnly = on;
      if (!on) context.writes.letGo();
      return on && drainMs !== undefined ? context.writes.settle(drainMs) : 0;
    },
    holdNames: async (names, drainMs) => {
      context.heldNames = names;
      return context.writes.settle(drainMs, ({ route }) => isHeld(context.heldNames, route.name));
    },
    flushCaches: () => context.registry.dropCaches(),
    setTag: async (request) => {
      inFlight.begin();
      try {
        await setTag(context, request);
      } finally {
        inFlight.end();
      }
    },
    requestsInFlight: () => inFlight.count,
    load: () => ({ requestsInFlight: inFlight.count, uploadsInFlight: context.writes.uploads }),
    retire: (forMs, hurry) => {
      context.draining = true;
      http2.retire();
      return closeGently(server, forMs, hurry);
    },
    drain: async (timeoutMs) => {
      context.draining = true;
      if (server.listening) server.close();
      server.closeIdleConnections();
      dropUnknown();
      http2.drain();
      await inFlight.none(timeoutMs);
      const cut = inFlight.count;
      server.closeAllConnections();
      await http2.close(cut > 0 ? 0 : LAST_BYTES_MS);
      if (cut > 0) await inFlight.none(CLEAN_UP_MS);
      return cut;
    },
    closeAllConnections: () => {
      server.closeAllConnections();
      dropUnknown();
      http2.destroyAll();
    },
  };
}

function createContext(options: RegistryServerOptions): ServerContext {
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  return {
    registry: options.registry,
    settings: options.settings,
    coordination: options.coordination,
    audit: options.audit,
    access: options.access ?? createAccessController(options.settings.auth, options.logger),
    logger: options.logger,
    accessLog: options.accessLog,
    limits,
    headers: configuredHeaders(options.settings.http.headers, options.logger),
    urls: new ExternalUrls(options.settings.http),
    uploadState: new UploadState(options.secret),
    manifestMemory: new MemoryBudget(limits.manifestMemoryBytes),
    rings: new BufferRings(limits.largeBufferDownloads),
    writes: new WritesInFlight(),
    readOnly: options.settings.readOnly,
    heldNames: options.heldNames ?? [],
    draining: false,
  };
}

/** Requests that cannot be parsed or do not come in time never reach a handler. */
function answerBrokenRequest(error: Error & { code?: string }, socket: Duplex): void {
  if (!socket.writable || error.code === "ECONNRESET" || isMidAnswer(socket)) {
    socket.destroy();
    return;
  }
  const status = BROKEN_REQUEST_STATUS[error.code ?? ""] ?? 400;
  socket.end(
    `HTTP/1.1 ${status} ${http.STATUS_CODES[status]}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`,
    () => socket.destroy(),
  );
}

const BROKEN_REQUEST_STATUS: Readonly<Record<string, number>> = {
  HPE_HEADER_OVERFLOW: 431,
  ERR_HTTP_REQUEST_TIMEOUT: 408,
};

/** How long the last bytes of answers over HTTP/2 may take to leave. */
const LAST_BYTES_MS = 1_000;

/** How long requests that were cut off may take to put away what they had begun. */
const CLEAN_UP_MS = 2_000;

/** Counts requests, and lets one wait for the last to end. */
class InFlight {
  count = 0;
  #onNone: (() => void) | undefined;

  begin(): void {
    this.count++;
  }

  end(): void {
    this.count--;
    if (this.count === 0) this.#onNone?.();
  }

  /** Resolves when no request is left, or after `timeoutMs` unless it is 0. */
  none(timeoutMs: number): Promise<void> {
    if (this.count === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = timeoutMs > 0 ? setTimeout(resolve, timeoutMs) : undefined;
      this.#onNone = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
