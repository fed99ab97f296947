import type { IncomingHttpHeaders } from "node:http";
import {
  constants,
  type Http2ServerRequest,
  type Http2ServerResponse,
  type ServerHttp2Stream,
} from "node:http2";
import type { AnswerHeaders } from "./answer.ts";
import type { Wire } from "./wire.ts";

/**
 * A request of HTTP/2, and its answer. Cutting it off resets its stream and leaves the others of the connection alone.
 * Node's classes for HTTP/2 look like those for HTTP/1 and differ in what they tell of ends: an aborted request counts
 * as complete for them, and an aborted answer to HEAD never closes. So the stream itself is asked.
 */
export class Http2Wire implements Wire {
  readonly method: string;
  readonly target: string;
  readonly headers: IncomingHttpHeaders;
  readonly httpVersion = "2.0";
  readonly clientAddress: string;
  readonly encrypted: boolean;
  readonly takesConnectionHeader = false;
  readonly #request: Http2ServerRequest;
  readonly #response: Http2ServerResponse;
  readonly #stream: ServerHttp2Stream;
  #onAnswered: (() => void) | undefined;

  constructor(request: Http2ServerRequest, response: Http2ServerResponse) {
    const { stream, headers } = request;
    this.#request = request;
    this.#response = response;
    this.#stream = stream;
    this.method = request.method;
    this.target = request.url;
    // The authority counts where both are given: https://www.rfc-editor.org/rfc/rfc9113#section-8.3.1
    this.headers =
      headers[":authority"] === undefined ? headers : { ...headers, host: headers[":authority"] };
    this.clientAddress = stream.session?.socket.remoteAddress ?? "";
    this.encrypted = stream.session?.encrypted ?? false;
  }

  get bodyLength(): number | undefined {
    if (this.#stream.endAfterHeaders) return 0;
    const header = this.headers["content-length"];
    return header === undefined ? undefined : Number(header);
  }

  get bodyComplete(): boolean {
    return this.#stream.endAfterHeaders || (this.#request.readableEnded && !this.#request.aborted);
  }

  get bodyBroken(): boolean {
    return this.#request.aborted || this.#stream.destroyed;
  }

  body(): AsyncIterable<unknown> {
    return this.#request.iterator({ destroyOnReturn: false });
  }

  invite(): void {
    if (!this.#stream.closed && !this.#stream.destroyed) this.#response.writeContinue();
  }

  /** The stream could be reset at once, which says that there is no error; but not all clients take it for that. */
  discardBody(lingerMs: number): void {
    const stream = this.#stream;
    this.#request.resume();
    const timer = setTimeout(() => stream.close(constants.NGHTTP2_NO_ERROR), lingerMs);
    stream.once("close", () => clearTimeout(timer));
  }

  abandonBody(): void {
    this.#stream.destroy(new Error("the body was given up"));
  }

  get answerBroken(): boolean {
    return this.#stream.destroyed;
  }

  get answerBegun(): boolean {
    return this.#stream.headersSent;
  }

  get status(): number {
    return this.#response.statusCode;
  }

  begin(status: number, headers: AnswerHeaders): void {
    this.#response.writeHead(status, onOneLineEach(headers));
  }

  write(chunk: Uint8Array, done: (error?: Error | null) => void): void {
    this.#response.write(chunk, done);
  }

  end(body?: Uint8Array): void {
    if (body === undefined) this.#response.end();
    else this.#response.end(body);
    // An answer to HEAD counts as finished before it has begun.
    if (this.method === "HEAD") this.#onAnswered?.();
  }

  onceAnswered(listener: () => void): void {
    if (this.method === "HEAD") this.#onAnswered = listener;
    else this.#stream.once("finish", listener);
  }

  cutAnswer(): void {
    this.#stream.destroy(new Error("the answer was cut off"));
  }

  onceClosed(listener: () => void): void {
    if (this.#stream.destroyed) setImmediate(listener);
    else this.#stream.once("close", listener);
  }
}

/**
 * Node refuses several lines of some headers, which `http.headers` may ask for. One line with commas means the same,
 * except for Set-Cookie.
 * @see https://www.rfc-editor.org/rfc/rfc9110#section-5.3
 */
function onOneLineEach(headers: AnswerHeaders): AnswerHeaders {
  const joined: AnswerHeaders = {};
  for (const [name, value] of Object.entries(headers)) {
    joined[name] = Array.isArray(value) && name !== "Set-Cookie" ? value.join(", ") : value;
  }
  return joined;
}
