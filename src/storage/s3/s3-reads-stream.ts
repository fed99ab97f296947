import { Readable } from "node:stream";
import { CancelledError, RegistryCtlError } from "../../errors.ts";
import { S3ConnectionError } from "./s3-lane.ts";

const BUFFER_BYTES = 1024 * 1024;
/** So often in a row a body may break off before a byte has come. */
const MAX_BREAKS_IN_A_ROW = 5;

/** What a {@link ResumingStream} reads. */
export interface ResumingParts {
  /** The body of the first answer. */
  first: Readable;
  /** How many bytes are to come; undefined if the store has not said so. Then nothing can be resumed. */
  sizeBytes: number | undefined;
  /** Asks for the bytes from a place on, counted from the first byte of the stream. */
  reopen: (readBytes: number, restBytes: number) => Promise<Readable>;
  signal: AbortSignal | undefined;
  /** Aborted when the stream ends, in whatever way. */
  abort: AbortController;
  translate: (error: unknown) => unknown;
}

/** The bytes of a body, and of those that are asked for in its place when it breaks off. */
export class ResumingStream extends Readable {
  readonly #parts: ResumingParts;
  #body: Readable | undefined;
  #readBytes = 0;
  #breaksInARow = 0;
  readonly #onAbort = (): void => void this.destroy(new CancelledError());

  constructor(parts: ResumingParts) {
    super({ highWaterMark: BUFFER_BYTES });
    this.#parts = parts;
    parts.signal?.addEventListener("abort", this.#onAbort, { once: true });
    this.#attach(parts.first);
    if (parts.signal?.aborted) this.#onAbort();
    else if (parts.sizeBytes === 0) this.#finish();
  }

  override _read(): void {
    this.#body?.resume();
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#parts.signal?.removeEventListener("abort", this.#onAbort);
    const body = this.#body;
    this.#body = undefined;
    body?.destroy();
    // A body that has been read to its end leaves its connection to the next request.
    if (body !== undefined || error) this.#parts.abort.abort();
    callback(error);
  }

  #attach(body: Readable): void {
    this.#body = body;
    body.on("data", (chunk: Uint8Array) => {
      if (this.#body === body) this.#take(chunk, body);
    });
    body.on("error", (error) => this.#onBreak(body, error));
    body.on("end", () => this.#onEnd(body));
    body.on("close", () => this.#onBreak(body, new S3ConnectionError("the connection was closed")));
  }

  #take(chunk: Uint8Array, body: Readable): void {
    const restBytes = (this.#parts.sizeBytes ?? Number.POSITIVE_INFINITY) - this.#readBytes;
    const own = chunk.length > restBytes ? chunk.subarray(0, restBytes) : chunk;
    this.#readBytes += own.length;
    if (own.length > 0) this.#breaksInARow = 0;
    if (!this.push(own)) body.pause();
    if (chunk.length > restBytes) body.destroy();
    if (chunk.length >= restBytes) this.#finish();
  }

  /** Everything has come; what becomes of the body now is of no interest. */
  #finish(): void {
    this.#body?.resume();
    this.#body = undefined;
    this.push(null);
  }

  #onEnd(body: Readable): void {
    if (this.#body !== body) return;
    if (this.#parts.sizeBytes === undefined) this.#finish();
    else this.#onBreak(body, new S3ConnectionError("the body ended too early"));
  }

  #onBreak(body: Readable, error: unknown): void {
    if (this.#body !== body || this.destroyed) return;
    this.#body = undefined;
    body.destroy();
    const { sizeBytes } = this.#parts;
    if (sizeBytes === undefined || ++this.#breaksInARow > MAX_BREAKS_IN_A_ROW) this.#give(error);
    else void this.#reopen(sizeBytes - this.#readBytes);
  }

  async #reopen(restBytes: number): Promise<void> {
    try {
      const body = await this.#parts.reopen(this.#readBytes, restBytes);
      if (this.destroyed) body.on("error", () => undefined).destroy();
      else this.#attach(body);
    } catch (error) {
      if (!this.destroyed) this.#give(error);
    }
  }

  /** Ends with an error of ours. */
  #give(error: unknown): void {
    const ours = error instanceof RegistryCtlError ? error : this.#parts.translate(error);
    this.destroy(ours instanceof Error ? ours : new S3ConnectionError(String(ours)));
  }
}
