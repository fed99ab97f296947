import type { Readable } from "node:stream";

/** One request to S3. */
export interface S3Request {
  method: "GET" | "PUT" | "HEAD" | "DELETE" | "POST";
  /** Not encoded; left out: the bucket itself. */
  key?: string;
  /** Not encoded; an empty value stands for a parameter without one (`?versioning`). */
  query?: Readonly<Record<string, string>>;
  /** Names in lower case. */
  headers?: Readonly<Record<string, string>>;
  body?: Uint8Array;
  signal?: AbortSignal | undefined;
  /** Nobody waits at once for the answer, which the store may have to look for a long time for. */
  isPatient?: boolean | undefined;
  /** Called after each attempt without an answer that the store may still carry out, be it after a later one. */
  onUnanswered?: (() => void) | undefined;
}

/** An answer with its whole body. */
export interface S3Answer {
  status: number;
  /** Names in lower case. */
  headers: Readonly<Record<string, string>>;
  body: Uint8Array;
  /** How many attempts it took; from the second on the effect may be that of an earlier one. */
  attempts: number;
}

/** An answer whose body is still coming. */
export interface S3StreamAnswer extends Omit<S3Answer, "body"> {
  /** Must be read to its end or destroyed. Breaks off with an error if fewer bytes come than were announced. */
  body: Readable;
}

/**
 * Sends small requests to one bucket: signed here, over kept connections, with the SDK's endpoint and credentials.
 * Everything that may pass by itself (503 SlowDown, 500, resets, timeouts, a cut or malformed answer, a 200 with an error in
 * its body) is tried again, with pauses that grow, up to `maxRetries` times.
 */
export interface S3Lane {
  /**
   * @throws {S3RequestError} for every answer of 300 and more, and for a 200 whose body is an error
   * @throws {S3ConnectionError} if there was no answer
   * @throws {CancelledError} if `signal` is aborted
   */
  send(request: S3Request): Promise<S3Answer>;
  /** As {@link S3Lane.send}; the body of a good answer is left as a stream, and nothing is tried again behind its first byte. */
  open(request: S3Request): Promise<S3StreamAnswer>;
  /** Requests so far, each attempt, by kind: `GET object`, `HEAD object`, `PUT object`, `DELETE object`, `LIST`, `DELETE many`… */
  readonly requests: Record<string, number>;
}

/** S3 has refused a request. */
export class S3RequestError extends Error {
  override readonly name = "S3RequestError";
  readonly status: number;
  /** As S3 has it, such as `NoSuchKey`; empty where an answer has no body (HEAD). */
  readonly code: string;
  readonly requestId: string;
  /** Of the answer, with names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** Plain elements of the answer's body by name, such as `Region`. */
  readonly details: Readonly<Record<string, string>>;
  /**
   * The attempt that was refused, from 1. From the second on the refusal may come of what an earlier one did whose answer
   * was lost (`PreconditionFailed`, `NoSuchUpload`).
   */
  attempts = 1;

  constructor(answer: {
    status: number;
    code: string;
    message: string;
    requestId: string;
    headers: Readonly<Record<string, string>>;
    details?: Readonly<Record<string, string>>;
  }) {
    super(answer.message);
    this.status = answer.status;
    this.code = answer.code;
    this.requestId = answer.requestId;
    this.headers = answer.headers;
    this.details = answer.details ?? {};
  }
}

/** S3 could not be reached, or its answers broke off, time after time. */
export class S3ConnectionError extends Error {
  override readonly name = "S3ConnectionError";
  /** How many there were. What was asked may have happened at any of them. */
  attempts = 1;
}
