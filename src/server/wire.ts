import type { IncomingHttpHeaders } from "node:http";
import type { AnswerHeaders } from "./answer.ts";

/**
 * What carries one request and its answer: a turn on a connection of HTTP/1, a stream of HTTP/2. Everything in which
 * the two differ is behind it.
 */
export interface Wire {
  readonly method: string;
  /** The request's target as sent. */
  readonly target: string;
  /** `host` is there for HTTP/2 as well. */
  readonly headers: IncomingHttpHeaders;
  /** As the access log writes it, such as `1.1`. */
  readonly httpVersion: string;
  /** Empty for a Unix socket, and when the connection was gone before it could be asked for. */
  readonly clientAddress: string;
  /** The connection to us is encrypted. */
  readonly encrypted: boolean;
  /** An answer can ask the client to leave the connection, by a header. */
  readonly takesConnectionHeader: boolean;

  /** What the request says of its body's length; undefined for any number of bytes. */
  readonly bodyLength: number | undefined;
  /** All of the body has come, and has been read. */
  readonly bodyComplete: boolean;
  /** No more of the body will come, because the client has gone or was cut off. */
  readonly bodyBroken: boolean;
  /** The body as it comes. Ending the iteration early leaves the connection open. It may end early without an error. */
  body(): AsyncIterable<unknown>;
  /** Tells a client that waits for it to send the body. */
  invite(): void;
  /** Throws away what is still sent, for a while, after the answer; then the client is told not to go on. */
  discardBody(lingerMs: number): void;

  /** Ends the exchange at once, because its body does not come as it should. */
  abandonBody(): void;

  readonly answerBegun: boolean;
  /** The answer was cut off. */
  readonly answerBroken: boolean;
  readonly status: number;
  /** Sends the answer's head. */
  begin(status: number, headers: AnswerHeaders): void;
  /** @param done - called when the system has the bytes, or with an error; not at all if the client has gone */
  write(chunk: Uint8Array, done: (error?: Error | null) => void): void;
  end(body?: Uint8Array): void;
  /** Calls back when all of the answer has been given to the system. */
  onceAnswered(listener: () => void): void;

  /** Ends the exchange when the answers before it have left, such that the client knows that this one is not complete. */
  cutAnswer(): void;
  /** Calls back once, when the answer has left or the client has. One listener only. */
  onceClosed(listener: () => void): void;
}
