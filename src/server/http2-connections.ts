import {
  constants,
  createServer,
  type Http2Server,
  type Http2ServerRequest,
  type Http2ServerResponse,
  type ServerHttp2Session,
} from "node:http2";
import type { Socket } from "node:net";
import type { ServerLimits } from "./server-limits.ts";

/** Takes a request of HTTP/2; `onEnd` is to be called when nothing is done for it any more. */
export type Http2Handler = (
  request: Http2ServerRequest,
  response: Http2ServerResponse,
  awaitsContinue: boolean,
  onEnd: () => void,
) => void;

/** One connection. */
interface Connection {
  socket: Socket;
  session: ServerHttp2Session;
  /** Requests whose handlers have not ended, also of streams that the client has reset meanwhile. */
  handled: number;
  idleTimer: NodeJS.Timeout | undefined;
}

/**
 * The connections on which HTTP/2 is spoken. They are given to it by a server that listens for both versions; what
 * Node's HTTP/1 server does for its connections (idle ones are closed, all can be drained) is done here.
 */
export class Http2Connections {
  readonly #limits: ServerLimits;
  readonly #server: Http2Server;
  readonly #handler: Http2Handler;
  readonly #connections = new Map<object, Connection>();
  #draining = false;
  #retiring = false;
  #onNone: (() => void) | undefined;

  constructor(limits: ServerLimits, handler: Http2Handler) {
    this.#limits = limits;
    this.#handler = handler;
    this.#server = createServer({
      settings: {
        maxConcurrentStreams: limits.http2Streams,
        initialWindowSize: limits.http2WindowBytes,
        maxHeaderListSize: limits.maxHeaderBytes,
      },
      maxSessionMemory: MAX_SESSION_MEGABYTES,
    });
    this.#server.on("request", (request, response) => this.#take(request, response, false));
    this.#server.on("checkContinue", (request, response) => this.#take(request, response, true));
  }

  /** Speaks HTTP/2 on a connection from now on. */
  accept(socket: Socket): void {
    if (socket.destroyed) return;
    this.#server.once("session", (session) => this.#add(session, socket));
    this.#server.emit("connection", socket);
  }

  /**
   * Asks clients to open no more streams on their connections. Those that are on their way are still answered; then each
   * connection closes.
   *
   * @see https://www.rfc-editor.org/rfc/rfc9113#section-6.8
   */
  retire(): void {
    this.#retiring = true;
    for (const { session } of this.#connections.values()) closeAfterNotice(session);
  }

  /** Takes no further requests on any connection. Each closes when its last answer has left. */
  drain(): void {
    this.#draining = true;
    for (const { session } of this.#connections.values()) session.close();
  }

  /**
   * Ends all connections, those that are about to close by themselves after a while.
   * @returns when there is none left
   */
  async close(afterMs: number): Promise<void> {
    if (this.#connections.size > 0) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, afterMs);
        this.#onNone = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    this.destroyAll();
  }

  /** Ends all connections at once. */
  destroyAll(): void {
    for (const { socket } of this.#connections.values()) socket.destroy();
  }

  #add(session: ServerHttp2Session, socket: Socket): void {
    const connection: Connection = { session, socket, handled: 0, idleTimer: undefined };
    this.#connections.set(session, connection);
    this.#closeWhenIdle(connection, this.#limits.headersTimeoutMs);
    session.setLocalWindowSize(this.#limits.http2WindowBytes * CONNECTION_WINDOWS);
    socket.once("close", () => {
      clearTimeout(connection.idleTimer);
      this.#connections.delete(session);
      if (this.#connections.size === 0) this.#onNone?.();
    });
    if (this.#draining) session.close();
    else if (this.#retiring) closeAfterNotice(session);
  }

  #take(request: Http2ServerRequest, response: Http2ServerResponse, awaitsContinue: boolean): void {
    const { stream } = request;
    const connection = stream.session && this.#connections.get(stream.session);
    if (connection === undefined) {
      stream.destroy();
      return;
    }
    // A client that resets its streams at once may open more, while the handlers of the first ones still run.
    if (connection.handled >= this.#limits.http2Streams * HANDLERS_PER_STREAM) {
      stream.close(constants.NGHTTP2_REFUSED_STREAM);
      return;
    }
    connection.handled++;
    clearTimeout(connection.idleTimer);
    this.#handler(request, response, awaitsContinue, () => {
      connection.handled--;
      if (connection.handled === 0) this.#closeWhenIdle(connection, this.#limits.keepAliveTimeoutMs);
    });
  }

  #closeWhenIdle(connection: Connection, idleMs: number): void {
    if (connection.socket.destroyed) return;
    connection.idleTimer = setTimeout(() => {
      connection.session.close();
      // What the client does not take must not keep the connection.
      connection.idleTimer = setTimeout(() => connection.socket.destroy(), this.#limits.lingerMs);
    }, idleMs);
  }
}

/** @see https://www.rfc-editor.org/rfc/rfc9113#section-6.8 - "at least one round-trip time" */
function closeAfterNotice(session: ServerHttp2Session): void {
  if (session.closed || session.destroyed) return;
  session.goaway(constants.NGHTTP2_NO_ERROR, LAST_STREAM_OF_ALL);
  setTimeout(() => {
    if (!session.closed && !session.destroyed) session.close();
  }, NOTICE_MS).unref();
}

/** Says nothing of which requests are answered. */
const LAST_STREAM_OF_ALL = 2 ** 31 - 1;

/** Longer than requests take from clients to here. */
const NOTICE_MS = 1_000;

/** Handlers per stream that is allowed: some may still put away what they did for a stream that is gone. */
const HANDLERS_PER_STREAM = 2;

/** What may be on its way on one connection, in bodies. */
const CONNECTION_WINDOWS = 8;

/**
 * What one connection may hold before new streams are refused: answers that are on their way, in the buffers of as many
 * downloads as the limits allow, and the headers.
 */
const MAX_SESSION_MEGABYTES = 32;
