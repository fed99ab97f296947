import http from "node:http";
import https from "node:https";
import { Socket } from "node:net";
import { TLSSocket } from "node:tls";
import type { HttpSettings } from "../config/settings.ts";
import { ACME_PROTOCOL } from "../lib/acme-files.ts";
import type { Logger } from "../lib/logger.ts";
import { negotiateWithChallenges } from "./acme-challenges.ts";
import { clientCertificates } from "./client-certificates.ts";
import { whenVersionKnown } from "./first-bytes.ts";
import type { ServerLimits } from "./server-limits.ts";
import { WatchedCertificate } from "./watched-certificate.ts";

/** A server that listens for one version of HTTP, and hands connections of the other on. */
export interface NodeServer {
  server: http.Server | https.Server;
  /** Ends the connections of which it is not known yet what they are for. */
  dropUnknown(): void;
}

/** What of the configuration says how the server is spoken to. */
type Protocols = Pick<HttpSettings, "tls" | "http2" | "h2c">;

/**
 * Makes the server that listens. Its own protocol is HTTP/1; the version of a connection is agreed on in the TLS
 * handshake, or seen by its first bytes where there is no TLS.
 *
 * A client that asks for h2c by `Upgrade` is answered by HTTP/1.1, which the Go registry would not do: Node cannot take
 * a request that has come by HTTP/1.1 over into HTTP/2, the way is deprecated, and proxies do not see what is spoken
 * after it.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9113#section-3.1
 * @param acceptHttp2 - is given the connections of the clients that speak HTTP/2
 * @throws {ConfigError} if `http.tls` names files that cannot be used
 */
export function createNodeServer(
  protocols: Protocols,
  limits: ServerLimits,
  logger: Logger,
  acceptHttp2: (socket: Socket) => void,
): NodeServer {
  const options: http.ServerOptions = {
    headersTimeout: limits.headersTimeoutMs,
    keepAliveTimeout: limits.keepAliveTimeoutMs,
    // Uploads take as long as they need: bodies have time limits of their own, by progress.
    requestTimeout: 0,
    connectionsCheckingInterval: limits.connectionsCheckMs,
    maxHeaderSize: limits.maxHeaderBytes,
    noDelay: true,
    keepAlive: true,
  };
  if (protocols.tls !== undefined) {
    const server = createTlsServer({ ...protocols, tls: protocols.tls }, options, logger, acceptHttp2);
    return { server, dropUnknown: () => {} };
  }
  const server = http.createServer(options);
  if (!protocols.h2c) return { server, dropUnknown: () => {} };
  const unknown = new Set<Socket>();
  interceptConnections(server, "connection", (socket, goOn) => {
    unknown.add(socket);
    socket.once("close", () => unknown.delete(socket));
    whenVersionKnown(socket, limits.headersTimeoutMs, (version) => {
      unknown.delete(socket);
      if (version === "http1") return goOn();
      // As for a server of HTTP/2: a client that has closed its side waits for nothing.
      socket.allowHalfOpen = false;
      acceptHttp2(socket);
    });
  });
  return {
    server,
    dropUnknown: () => {
      for (const socket of unknown) socket.destroy();
    },
  };
}

function createTlsServer(
  { tls, http2 }: Protocols & { tls: NonNullable<Protocols["tls"]> },
  options: http.ServerOptions,
  logger: Logger,
  acceptHttp2: (socket: Socket) => void,
): https.Server {
  const certificate = new WatchedCertificate(tls, logger);
  const { options: clientOptions, admits } = clientCertificates(tls);
  const protocols = http2 ? ["h2", "http/1.1"] : ["http/1.1"];
  const server = https.createServer({
    ...options,
    ...certificate.options,
    ...clientOptions,
    handshakeTimeout: options.headersTimeout,
    ...(tls.letsEncrypt === undefined
      ? { ALPNProtocols: protocols }
      : { ALPNCallback: negotiateWithChallenges(tls.letsEncrypt, protocols) }),
  });
  certificate.keepCurrent(server);
  if (!http2 && admits === undefined && tls.letsEncrypt === undefined) return server;
  interceptConnections(server, "secureConnection", (socket, goOn) => {
    // The handshake was all: no request is taken on such a connection.
    if (socket instanceof TLSSocket && socket.alpnProtocol === ACME_PROTOCOL) socket.destroySoon();
    else if (!(socket instanceof TLSSocket) || (admits !== undefined && !admits(socket))) socket.destroy();
    else if (socket.alpnProtocol === "h2") acceptHttp2(socket);
    else goOn();
  });
  return server;
}

/** Puts a decision before what Node's server does with a new connection, which is itself a listener of that event. */
function interceptConnections(
  server: http.Server | https.Server,
  event: "connection" | "secureConnection",
  decide: (socket: Socket, goOn: () => void) => void,
): void {
  const listeners = server.listeners(event);
  server.removeAllListeners(event);
  server.on(event, (socket: unknown) => {
    if (!(socket instanceof Socket)) return;
    decide(socket, () => {
      for (const listener of listeners) Reflect.apply(listener, server, [socket]);
    });
  });
}
