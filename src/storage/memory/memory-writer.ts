import { CancelledError } from "../../errors.ts";
import type { FileWriter, WriterOptions } from "../driver.ts";

const FIRST_CAPACITY_BYTES = 64 * 1024;

/** Where a {@link MemoryWriter} leaves its bytes. */
export interface MemoryTarget {
  store(bytes: Uint8Array): void;
  remove(): void;
}

/** Collects bytes in one growing buffer. */
export class MemoryWriter implements FileWriter {
  readonly #target: MemoryTarget;
  readonly #append: boolean;
  readonly #signal: AbortSignal | undefined;
  #buffer: Uint8Array;
  #sizeBytes: number;
  #ended = false;

  constructor(target: MemoryTarget, start: Uint8Array, options: WriterOptions) {
    this.#target = target;
    this.#append = options.append ?? false;
    this.#signal = options.signal;
    this.#buffer = new Uint8Array(Math.max(FIRST_CAPACITY_BYTES, start.length));
    this.#buffer.set(start);
    this.#sizeBytes = start.length;
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  async write(chunk: Uint8Array): Promise<void> {
    if (this.#ended) throw new Error("write to an ended writer");
    if (this.#signal?.aborted) throw new CancelledError();
    const needed = this.#sizeBytes + chunk.length;
    if (needed > this.#buffer.length) {
      const larger = new Uint8Array(Math.max(needed, this.#buffer.length * 2));
      larger.set(this.#buffer.subarray(0, this.#sizeBytes));
      this.#buffer = larger;
    }
    this.#buffer.set(chunk, this.#sizeBytes);
    this.#sizeBytes = needed;
  }

  async commit(): Promise<void> {
    if (this.#ended) return;
    if (this.#signal?.aborted) throw new CancelledError();
    this.#ended = true;
    this.#target.store(this.#buffer.slice(0, this.#sizeBytes));
  }

  async cancel(): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    if (this.#append) this.#target.remove();
  }

  async close(): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    if (this.#append) this.#target.store(this.#buffer.slice(0, this.#sizeBytes));
  }
}
