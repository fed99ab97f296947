import { Readable } from "node:stream";
import { CancelledError } from "../../errors.ts";
import type { FsFile } from "./fs-operations.ts";

/** Large reads: a stream of 64 KiB pieces costs more than twice the processor time. */
const CHUNK_BYTES = 512 * 1024;

/** Streams a part of an open file and closes it, also when the stream is destroyed early. */
export class FileStream extends Readable {
  readonly #file: FsFile;
  readonly #translate: (error: unknown) => unknown;
  readonly #signal: AbortSignal | undefined;
  readonly #onAbort = () => this.destroy(new CancelledError());
  #position: number;
  #remainingBytes: number;
  #reading: Promise<unknown> = Promise.resolve();

  constructor(
    file: FsFile,
    range: { offset: number; lengthBytes: number },
    translate: (error: unknown) => unknown,
    signal?: AbortSignal,
  ) {
    super({ highWaterMark: CHUNK_BYTES });
    this.#file = file;
    this.#position = range.offset;
    this.#remainingBytes = range.lengthBytes;
    this.#translate = translate;
    this.#signal = signal;
    signal?.addEventListener("abort", this.#onAbort, { once: true });
  }

  override _read(): void {
    if (this.#remainingBytes <= 0) {
      this.push(null);
      return;
    }
    const buffer = Buffer.allocUnsafeSlow(Math.min(CHUNK_BYTES, this.#remainingBytes));
    this.#reading = this.#file.read(buffer, this.#position).then(
      (bytesRead) => {
        this.#position += bytesRead;
        this.#remainingBytes -= bytesRead;
        this.push(bytesRead === 0 ? null : buffer.subarray(0, bytesRead));
      },
      (error: unknown) => void this.destroy(asError(this.#translate(error))),
    );
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#signal?.removeEventListener("abort", this.#onAbort);
    // A descriptor that is closed while it is being read may by then be another file.
    this.#reading
      .then(() => this.#file.close())
      .then(
        () => callback(error),
        (failure: unknown) => callback(error ?? asError(this.#translate(failure))),
      );
  }
}

function asError(value: unknown): Error {
  return value instanceof Error ? value : new Error(String(value));
}
