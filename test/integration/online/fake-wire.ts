import type { IncomingHttpHeaders } from "node:http";
import type { AnswerHeaders } from "../../../src/server/answer.ts";
import type { Wire } from "../../../src/server/wire.ts";

/** What a client is answered. */
export interface ClientAnswer {
  status: number;
  headers: AnswerHeaders;
  body: Uint8Array;
}

/** A request that goes over no connection. */
export class FakeWire implements Wire {
  readonly method: string;
  readonly target: string;
  readonly headers: IncomingHttpHeaders;
  readonly httpVersion = "1.1";
  readonly clientAddress = "";
  readonly encrypted = false;
  readonly takesConnectionHeader = true;
  readonly bodyLength: number;
  readonly bodyBroken = false;
  readonly answerBroken = false;
  bodyComplete: boolean;
  answerBegun = false;
  status = 0;
  readonly #body: Uint8Array | undefined;
  readonly #onAnswer: (answer: ClientAnswer) => void;
  #head: AnswerHeaders = {};
  #onAnswered: () => void = () => {};
  #onClosed: () => void = () => {};

  constructor(
    request: { method: string; target: string; headers?: IncomingHttpHeaders; body?: Uint8Array | undefined },
    onAnswer: (answer: ClientAnswer) => void,
  ) {
    this.method = request.method;
    this.target = request.target;
    this.headers = request.headers ?? {};
    this.#body = request.body;
    this.bodyLength = request.body?.length ?? 0;
    this.bodyComplete = request.body === undefined;
    this.#onAnswer = onAnswer;
  }

  async *body(): AsyncGenerator<Uint8Array> {
    if (this.#body !== undefined) yield this.#body;
    this.bodyComplete = true;
  }

  invite(): void {}
  discardBody(): void {}
  abandonBody(): void {}

  begin(status: number, headers: AnswerHeaders): void {
    this.answerBegun = true;
    this.status = status;
    this.#head = headers;
  }

  write(_chunk: Uint8Array, done: (error?: Error | null) => void): void {
    done();
  }

  end(body: Uint8Array = new Uint8Array()): void {
    this.#onAnswer({ status: this.status, headers: this.#head, body });
    this.#onAnswered();
    this.#onClosed();
  }

  onceAnswered(listener: () => void): void {
    this.#onAnswered = listener;
  }

  cutAnswer(): void {
    this.#onClosed();
  }

  onceClosed(listener: () => void): void {
    this.#onClosed = listener;
  }
}
