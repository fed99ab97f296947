import { Agent, type Dispatcher, ProxyAgent } from "undici";
import { CancelledError } from "../../errors.ts";
import { ConnectionAnswerBody } from "./connection-answer-body.ts";
import { codeOf, isCertificateProblem } from "./retry-rules.ts";
import { S3ConnectionError } from "./s3-lane.ts";

/** How long to wait for a server. */
export interface ConnectionTimeouts {
  /** Until a connection stands, TLS included. */
  connectMs: number;
  /** From the end of a request to the first bytes of the answer. */
  headersMs: number;
  /** Between two pieces of an answer. */
  bodyMs: number;
}

/** Longer than any store takes for a listing, shorter than people wait. */
export const DEFAULT_TIMEOUTS: ConnectionTimeouts = { connectMs: 10_000, headersMs: 60_000, bodyMs: 60_000 };

/** One request, signed. */
export interface PreparedRequest {
  /** Scheme, host and port. */
  origin: string;
  /** With the query, encoded. */
  path: string;
  method: "GET" | "PUT" | "HEAD" | "DELETE" | "POST";
  headers: Record<string, string>;
  body?: Uint8Array | undefined;
  signal?: AbortSignal | undefined;
}

/** An answer, whatever its status. */
export interface PlainAnswer<Body> {
  status: number;
  /** Names in lower case. */
  headers: Readonly<Record<string, string>>;
  body: Body;
}

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
  readonly #options: ConnectionOptions;
  /** By the origin of a store: one, or few. */
  readonly #agents = new Map<string, Agents>();

  constructor(options: ConnectionOptions) {
    this.#options = options;
  }

  /**
   * Waits for the whole answer.
   *
   * @throws {S3ConnectionError} if there is none, or it breaks off
   * @throws {CancelledError}
   */
  exchange(request: PreparedRequest): Promise<PlainAnswer<Uint8Array>> {
    return new Promise((resolve, reject) => {
      const { small, told } = this.#agentsFor(request.origin);
      dispatch(small, request, new WholeAnswer(request, resolve, (error) => reject(told(error))));
    });
  }

  /** As {@link ConnectionPools.exchange}, but resolves when the body begins. */
  open(request: PreparedRequest): Promise<PlainAnswer<ConnectionAnswerBody>> {
    return new Promise((resolve, reject) => {
      const { streams, told } = this.#agentsFor(request.origin);
      dispatch(streams, request, new StreamedAnswer(request, resolve, (error) => reject(told(error))));
    });
  }

  /** @returns what others send requests through whose number is bounded elsewhere */
  dispatcherFor(origin: string): Dispatcher {
    return this.#agentsFor(origin).streams;
  }

  #agentsFor(origin: string): Agents {
    let agents = this.#agents.get(origin);
    if (agents === undefined) {
      agents = agentsOf(this.#options, this.#options.proxyFor?.(origin));
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

function agentsOf({ skipVerify, timeouts }: ConnectionOptions, proxy: string | undefined): Agents {
  const { connectMs, headersMs, bodyMs } = { ...DEFAULT_TIMEOUTS, ...timeouts };
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

function dispatch(agent: Dispatcher, request: PreparedRequest, handler: ExchangeHandler): void {
  if (request.signal?.aborted) {
    handler.cancel();
    return;
  }
  request.signal?.addEventListener("abort", handler.cancel, { once: true });
  const { origin, path, method, headers, body } = request;
  try {
    // Connections would be closed after a HEAD otherwise, for servers that send bodies with it.
    agent.dispatch({ origin, path, method, headers, body: body ?? null, reset: false }, handler);
  } catch (error) {
    handler.fail(connectionError(error));
  }
}

/** What both kinds of answers do with the events of a connection. */
abstract class ExchangeHandler implements Dispatcher.DispatchHandler {
  protected readonly request: PreparedRequest;
  protected controller: Dispatcher.DispatchController | undefined;
  #isCancelled = false;

  constructor(request: PreparedRequest) {
    this.request = request;
  }

  /** Gives the exchange up. */
  readonly cancel = (): void => {
    this.#isCancelled = true;
    this.fail(new CancelledError());
    this.controller?.abort(new CancelledError());
  };

  /** Tells whoever waits; only the first call has an effect. */
  abstract fail(error: Error): void;
  protected abstract begin(status: number, headers: Record<string, string>): void;
  protected abstract take(chunk: Buffer): void;
  protected abstract finish(): void;

  /** To be called once nothing more is to come. */
  protected settle(): void {
    this.request.signal?.removeEventListener("abort", this.cancel);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.controller = controller;
    if (this.#isCancelled) controller.abort(new CancelledError());
  }

  onResponseStart(_controller: unknown, status: number, headers: Headers): void {
    // 102 and 103 come before the answer.
    if (status >= 200) this.begin(status, plainHeaders(headers));
  }

  onResponseData(_controller: unknown, chunk: Buffer): void {
    this.take(chunk);
  }

  onResponseEnd(): void {
    this.settle();
    this.finish();
  }

  onResponseError(_controller: unknown, error: Error): void {
    this.settle();
    this.fail(connectionError(error));
  }
}

class WholeAnswer extends ExchangeHandler {
  readonly #resolve: (answer: PlainAnswer<Uint8Array>) => void;
  readonly #reject: (error: Error) => void;
  readonly #chunks: Buffer[] = [];
  #status = 0;
  #headers: Record<string, string> = {};

  constructor(
    request: PreparedRequest,
    resolve: (answer: PlainAnswer<Uint8Array>) => void,
    reject: (error: Error) => void,
  ) {
    super(request);
    this.#resolve = resolve;
    this.#reject = reject;
  }

  override fail(error: Error): void {
    this.#reject(error);
  }

  protected override begin(status: number, headers: Record<string, string>): void {
    this.#status = status;
    this.#headers = headers;
  }

  protected override take(chunk: Buffer): void {
    this.#chunks.push(chunk);
  }

  protected override finish(): void {
    this.#resolve({ status: this.#status, headers: this.#headers, body: joined(this.#chunks) });
  }
}

class StreamedAnswer extends ExchangeHandler {
  readonly #resolve: (answer: PlainAnswer<ConnectionAnswerBody>) => void;
  readonly #reject: (error: Error) => void;
  #body: ConnectionAnswerBody | undefined;

  constructor(
    request: PreparedRequest,
    resolve: (answer: PlainAnswer<ConnectionAnswerBody>) => void,
    reject: (error: Error) => void,
  ) {
    super(request);
    this.#resolve = resolve;
    this.#reject = reject;
  }

  override fail(error: Error): void {
    if (this.#body === undefined) this.#reject(error);
    else this.#body.destroy(error);
  }

  protected override begin(status: number, headers: Record<string, string>): void {
    const { controller } = this;
    if (controller === undefined) return;
    this.#body = new ConnectionAnswerBody(controller, () => this.settle());
    this.#resolve({ status, headers, body: this.#body });
  }

  protected override take(chunk: Buffer): void {
    this.#body?.receive(chunk);
  }

  protected override finish(): void {
    this.#body?.finish();
  }
}

type Headers = Readonly<Record<string, string | string[] | undefined>>;

function plainHeaders(headers: Headers): Record<string, string> {
  const plain: Record<string, string> = {};
  for (const name in headers) {
    const value = headers[name];
    if (value !== undefined) plain[name] = typeof value === "string" ? value : value.join(", ");
  }
  return plain;
}

/** One array that holds no more memory than its bytes take. */
function joined(chunks: readonly Buffer[]): Uint8Array {
  const [first] = chunks;
  if (first === undefined) return new Uint8Array(0);
  if (chunks.length > 1) return Buffer.concat(chunks);
  return first.buffer.byteLength > 2 * first.byteLength ? new Uint8Array(first) : first;
}

function connectionError(error: unknown): Error {
  if (error instanceof CancelledError || error instanceof S3ConnectionError) return error;
  return new S3ConnectionError(error instanceof Error ? error.message : String(error), { cause: error });
}
