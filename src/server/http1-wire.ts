import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from "node:http";
import type { AnswerHeaders } from "./answer.ts";
import { whenClosed } from "./when-closed.ts";
import type { Wire } from "./wire.ts";

/** A request of HTTP/1, and its answer. Cutting it off closes the connection. */
export class Http1Wire implements Wire {
  readonly method: string;
  readonly target: string;
  readonly headers: IncomingHttpHeaders;
  /** Asked for at once, because a closed connection no longer tells. */
  readonly clientAddress: string;
  readonly takesConnectionHeader = true;
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;

  constructor(request: IncomingMessage, response: ServerResponse) {
    this.#request = request;
    this.#response = response;
    this.method = request.method ?? "GET";
    this.target = request.url ?? "/";
    this.headers = request.headers;
    this.clientAddress = request.socket.remoteAddress ?? "";
    response.on("error", ignore);
  }

  get httpVersion(): string {
    return this.#request.httpVersion;
  }

  get encrypted(): boolean {
    return "encrypted" in this.#request.socket;
  }

  get bodyLength(): number | undefined {
    const header = this.headers["content-length"];
    if (header !== undefined) return Number(header);
    return this.headers["transfer-encoding"] === undefined ? 0 : undefined;
  }

  get bodyComplete(): boolean {
    return this.#request.complete;
  }

  get bodyBroken(): boolean {
    return this.#request.destroyed;
  }

  body(): AsyncIterable<unknown> {
    return this.#request.iterator({ destroyOnReturn: false });
  }

  invite(): void {
    this.#response.writeContinue();
  }

  /** Closing at once would reset the connection, and the client might never read why it was refused. */
  discardBody(lingerMs: number): void {
    const request = this.#request;
    request.on("error", ignore);
    request.resume();
    const timer = setTimeout(() => request.destroy(), lingerMs);
    request.once("end", () => clearTimeout(timer));
    request.once("close", () => clearTimeout(timer));
  }

  abandonBody(): void {
    this.#request.destroy();
  }

  get answerBroken(): boolean {
    return this.#response.destroyed;
  }

  get answerBegun(): boolean {
    return this.#response.headersSent;
  }

  get status(): number {
    return this.#response.statusCode;
  }

  begin(status: number, headers: AnswerHeaders): void {
    this.#response.writeHead(status, headers);
  }

  write(chunk: Uint8Array, done: (error?: Error | null) => void): void {
    this.#response.write(chunk, done);
  }

  end(body?: Uint8Array): void {
    this.#response.end(body);
  }

  onceAnswered(listener: () => void): void {
    this.#response.once("finish", listener);
  }

  cutAnswer(): void {
    this.#response.destroy();
  }

  onceClosed(listener: () => void): void {
    whenClosed(this.#request.socket, this.#response, listener);
  }
}

function ignore(): void {}
