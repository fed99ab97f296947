import { Agent, type Dispatcher, ProxyAgent } from "undici";
import type { ConnectionAnswerBody } from "./connection-answer-body.ts";
import {
  connectionError,
  type ExchangeHandler,
  type PlainAnswer,
  type PreparedRequest,
  StreamedAnswer,
  WholeAnswer,
} from "./connection-exchange.ts";
import { codeOf, isCertificateProblem } from "./retry-rules.ts";
import { S3ConnectionError } from "./s3-lane.ts";
import { sentBody } from "./sent-body.ts";

/** How long to wait for a server. */
export interface ConnectionTimeouts {
  /** Until a connection stands, TLS included. */
  connectMs: number;
  /** From the end of a request to the first bytes of the answer. */
  headersMs: number;
  /** The same for small requests, and from the moment on at which they are to be sent. */
  quickHeadersMs: number;
  /** For all attempts of a small request together. */
  quickTotalMs: number;
  /** Between two pieces of an answer. */
  bodyMs: number;
}

/** A client of the server has an answer within half a minute, whatever the store does. */
export const DEFAULT_TIMEOUTS: ConnectionTimeouts = {
  ...{ connectMs: 10_000, headersMs: 60_000, bodyMs: 60_000 },
  ...{ quickHeadersMs: 15_000, quickTotalMs: 25_000 },
};

/**
 * More requests of the lane than this wait for one another; no store gives more throughput for small objects. Streams
 * are not counted, since a client that reads slowly would keep others waiting.
 */
const MAX_SMALL_CONNECTIONS = 128;

/** Options of {@link ConnectionPools}. */
export interface ConnectionOptions {
  /** Any certificate of the store is trusted. */
  skipVerify: boolean;
  timeouts?: Partial<ConnectionTimeouts> | undefined;
  /** The URL of the proxy on the way to an origin, if there is one. */
  proxyFor?: ((origin: string) => string | undefined) | undefined;
}

/** Sends requests over connections that are kept; tries nothing again. */
export class ConnectionPools {
  readonly timeouts: ConnectionTimeouts;
  readonly #options: ConnectionOptions;
  /** By the origin of a store: one, or few. */
  readonly #agents = new Map<string, Agents>();

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.timeouts = { ...DEFAULT_TIMEOUTS, ...options.timeouts };
  }

  /**
   * Waits for the whole answer.
   *
   * @param headMs - no longer for its head; then for a connection that is free and the way of the body, too
   * @throws {S3ConnectionError} if there is none, or it breaks off
   * @throws {CancelledError}
   */
  exchange(request: PreparedRequest, headMs?: number): Promise<PlainAnswer<Uint8Array>> {
    return new Promise((resolve, reject) => {
      const { small, told } = this.#agentsFor(request.origin);
      const handler = new WholeAnswer(request, resolve, (error) => reject(told(error)));
      dispatch(small, request, handler, headMs);
    });
  }

  /** As {@link ConnectionPools.exchange}, but resolves when the body begins. */
  open(request: PreparedRequest, headMs?: number): Promise<PlainAnswer<ConnectionAnswerBody>> {
    return new Promise((resolve, reject) => {
      const { streams, told } = this.#agentsFor(request.origin);
      const handler = new StreamedAnswer(request, resolve, (error) => reject(told(error)));
      dispatch(streams, request, handler, headMs);
    });
  }

  /** @returns what others send requests through whose number is bounded elsewhere */
  dispatcherFor(origin: string): Dispatcher {
    return this.#agentsFor(origin).streams;
  }

  #agentsFor(origin: string): Agents {
    let agents = this.#agents.get(origin);
    if (agents === undefined) {
      const { skipVerify, proxyFor } = this.#options;
      agents = agentsOf(skipVerify, this.timeouts, proxyFor?.(origin));
      this.#agents.set(origin, agents);
    }
    return agents;
  }
}

interface Agents {
  small: Dispatcher;
  streams: Dispatcher;
  /** Names the proxy in an error, if there is one. */
  told: (error: Error) => Error;
}

function agentsOf(skipVerify: boolean, timeouts: ConnectionTimeouts, proxy: string | undefined): Agents {
  const { connectMs, headersMs, bodyMs } = timeouts;
  const tls = { timeout: connectMs, rejectUnauthorized: !skipVerify };
  const common: Agent.Options = { pipelining: 1, headersTimeout: headersMs, bodyTimeout: bodyMs };
  const make = (options: Agent.Options): Dispatcher =>
    proxy === undefined
      ? new Agent({ ...options, connect: tls })
      : new ProxyAgent({
          ...{ ...options, uri: proxy, requestTls: tls, proxyTls: { timeout: connectMs } },
          // Proxies often allow tunnels to the port of HTTPS alone.
          proxyTunnel: false,
        });
  return {
    small: make({ ...common, connections: MAX_SMALL_CONNECTIONS }),
    streams: make(common),
    told: (error) => (proxy === undefined ? error : throughProxy(error, proxy)),
  };
}

/** What refuses or does not answer is the proxy, or something behind it: not to be explained as the store's. */
function throughProxy(error: Error, proxy: string): Error {
  if (!(error instanceof S3ConnectionError) || isCertificateProblem(codeOf(error.cause))) return error;
  const message = `${error.message}, through the proxy ${new URL(proxy).host} of the environment`;
  return new S3ConnectionError(message, { cause: new Error(message) });
}

function dispatch(
  agent: Dispatcher,
  request: PreparedRequest,
  handler: ExchangeHandler,
  headMs: number | undefined,
): void {
  if (request.signal?.aborted) {
    handler.cancel();
    return;
  }
  request.signal?.addEventListener("abort", handler.cancel, { once: true });
  if (headMs !== undefined) handler.waitNoLongerThan(headMs);
  const { origin, path, method, body } = request;
  const headers = body ? { ...request.headers, "content-length": String(body.length) } : request.headers;
  try {
    // Connections would be closed after a HEAD otherwise, for servers that send bodies with it.
    const how = { body: body ? sentBody(body) : null, reset: false };
    agent.dispatch({ origin, path, method, headers, ...how }, handler);
  } catch (error) {
    handler.fail(connectionError(error));
  }
}
