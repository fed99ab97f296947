import type { Dispatcher } from "undici";
import { CancelledError } from "../../errors.ts";
import { ConnectionAnswerBody } from "./connection-answer-body.ts";
import { S3ConnectionError } from "./s3-lane.ts";

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

/** Code of the failure that a server takes a request and does not answer. */
export const SILENCE = "UND_ERR_HEADERS_TIMEOUT";

/** What both kinds of answers do with the events of a connection. */
export abstract class ExchangeHandler implements Dispatcher.DispatchHandler {
  protected readonly request: PreparedRequest;
  protected controller: Dispatcher.DispatchController | undefined;
  #givenUp: Error | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(request: PreparedRequest) {
    this.request = request;
  }

  /** Gives the exchange up. */
  readonly cancel = (): void => this.#giveUp(new CancelledError());

  /** Gives the exchange up unless the head of the answer comes in time. */
  waitNoLongerThan(headMs: number): void {
    this.#timer = setTimeout(() => {
      const seconds = Math.ceil(headMs / 1000);
      const cause = Object.assign(new Error(`no answer within ${seconds} s`), { code: SILENCE });
      this.#giveUp(new S3ConnectionError(cause.message, { cause }));
    }, headMs);
  }

  /** Tells whoever waits; only the first call has an effect. */
  abstract fail(error: Error): void;
  protected abstract begin(status: number, headers: Record<string, string>): void;
  protected abstract take(chunk: Buffer): void;
  protected abstract finish(): void;

  /** To be called once nothing more is to come. */
  protected settle(): void {
    clearTimeout(this.#timer);
    this.request.signal?.removeEventListener("abort", this.cancel);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.controller = controller;
    if (this.#givenUp) controller.abort(this.#givenUp);
  }

  onResponseStart(_controller: unknown, status: number, headers: Headers): void {
    // 102 and 103 come before the answer.
    if (status < 200) return;
    clearTimeout(this.#timer);
    this.begin(status, plainHeaders(headers));
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

  #giveUp(reason: Error): void {
    clearTimeout(this.#timer);
    this.#givenUp = reason;
    this.fail(reason);
    this.controller?.abort(reason);
  }
}

/** Resolves with the whole answer. */
export class WholeAnswer extends ExchangeHandler {
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

/** Resolves when the body begins, which then comes as a stream. */
export class StreamedAnswer extends ExchangeHandler {
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

/** @returns an error of ours or of a connection as it is, any other as one of a connection */
export function connectionError(error: unknown): Error {
  if (error instanceof CancelledError || error instanceof S3ConnectionError) return error;
  return new S3ConnectionError(error instanceof Error ? error.message : String(error), { cause: error });
}
