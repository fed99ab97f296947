import { fstatSync, write, writeSync } from "node:fs";

/** Writes of up to this size into a pipe are never mixed with those of other processes (PIPE_BUF on Linux). */
const PIPE_ATOMIC_BYTES = 4096;
const FILE_CHUNK_BYTES = 256 * 1024;
const MAX_BUFFERED_BYTES = 4 * 1024 * 1024;
const RETRY_MS = 10;

/**
 * Writes lines to a standard stream that several processes share, without ever making the event loop wait for the
 * reader: lines are buffered up to 4 MiB and dropped, counted, beyond. A reader that has gone away ends the writing
 * and nothing else.
 */
export class LineWriter {
  readonly #descriptor: number;
  readonly #chunkBytes: number;
  #lines: string[] = [];
  #bufferedBytes = 0;
  #writing: Buffer | undefined;
  #scheduled = false;
  #broken = false;
  #dropped = 0;
  #onIdle: (() => void)[] = [];

  /** @param descriptor - 1 for standard output, 2 for standard error */
  constructor(descriptor: number) {
    this.#descriptor = descriptor;
    this.#chunkBytes = isFile(descriptor) ? FILE_CHUNK_BYTES : PIPE_ATOMIC_BYTES;
  }

  /** How many lines were dropped because their reader was too slow, or gone. */
  get dropped(): number {
    return this.#dropped;
  }

  /** @param line - without newline */
  write(line: string): void {
    if (this.#broken || this.#bufferedBytes >= MAX_BUFFERED_BYTES) {
      this.#dropped++;
      return;
    }
    this.#lines.push(line);
    this.#bufferedBytes += line.length + 1;
    if (this.#writing !== undefined || this.#scheduled) return;
    this.#scheduled = true;
    // At the end of the turn, so that a burst is one write.
    setImmediate(() => {
      this.#scheduled = false;
      if (this.#writing === undefined) this.#next();
    });
  }

  /** Resolves when everything is written, dropped, or `timeoutMs` is over. */
  flush(timeoutMs: number): Promise<void> {
    if (this.#lines.length === 0 && this.#writing === undefined) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, timeoutMs);
      this.#onIdle.push(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  /** For the last moment of a process: writes what is left at once, as far as the reader takes it. */
  flushSync(): void {
    try {
      while (!this.#broken && this.#writing === undefined && this.#lines.length > 0) {
        writeSync(this.#descriptor, this.#takeChunk());
      }
    } catch {
      this.#broken = true;
    }
  }

  #next(): void {
    if (this.#lines.length === 0 || this.#broken) {
      this.#writing = undefined;
      for (const onIdle of this.#onIdle.splice(0)) onIdle();
      return;
    }
    this.#writing = this.#takeChunk();
    this.#writeRest(this.#writing);
  }

  #writeRest(bytes: Buffer): void {
    write(this.#descriptor, bytes, (error, written) => {
      if (error?.code === "EAGAIN") {
        setTimeout(() => this.#writeRest(bytes), RETRY_MS);
        return;
      }
      if (error !== null) this.#break();
      else if (written < bytes.length) {
        this.#writeRest(bytes.subarray(written));
        return;
      }
      this.#next();
    });
  }

  #break(): void {
    this.#broken = true;
    this.#dropped += this.#lines.length;
    this.#lines = [];
    this.#bufferedBytes = 0;
  }

  /** Whole lines up to the chunk size; one line that is longer goes alone. */
  #takeChunk(): Buffer {
    let bytes = 0;
    let count = 0;
    for (const line of this.#lines) {
      const lineBytes = Buffer.byteLength(line) + 1;
      if (count > 0 && bytes + lineBytes > this.#chunkBytes) break;
      bytes += lineBytes;
      count++;
    }
    const text = `${this.#lines.splice(0, count).join("\n")}\n`;
    this.#bufferedBytes -= text.length;
    return Buffer.from(text);
  }
}

function isFile(descriptor: number): boolean {
  try {
    return fstatSync(descriptor).isFile();
  } catch {
    return false;
  }
}
