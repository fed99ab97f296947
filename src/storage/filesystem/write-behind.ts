import { type FsFile, writeFully } from "./fs-operations.ts";
import { giveBackBuffer, takeBuffer, WRITE_BUFFER_BYTES } from "./write-buffers.ts";

/** What has been taken is written out when nothing more has come for so long. */
const IDLE_MS = 1000;
/**
 * After so many bytes a sync is started in the background, so that the last one, for which a client waits, is short
 * however large the file is.
 */
export const SYNC_INTERVAL_BYTES = 64 * 1024 * 1024;

/**
 * Writes a file in order, one buffer ahead of the disk: one is filled while the other goes to disk. When no bytes come
 * for a while, what was taken is written out and no buffer is held, so that thousands of stalled writers cost no memory
 * to speak of. The first failure is kept: every later call fails with it,
 * since a failed write or sync cannot be made good (the kernel reports a lost page once).
 */
export class WriteBehind {
  readonly #file: FsFile;
  #filling: Uint8Array | undefined;
  #filledBytes = 0;
  #pendingBytes = 0;
  #writtenBytes: number;
  #unsyncedBytes = 0;
  #writing: Promise<void> = Promise.resolve();
  #syncing: Promise<void> = Promise.resolve();
  #failure: { error: unknown } | undefined;
  #idle: NodeJS.Timeout | undefined;

  constructor(file: FsFile, startBytes: number) {
    this.#file = file;
    this.#writtenBytes = startBytes;
  }

  /** Bytes taken so far; after a failure those that have surely been written. */
  get sizeBytes(): number {
    return this.#writtenBytes + (this.#failure ? 0 : this.#filledBytes + this.#pendingBytes);
  }

  /** Takes a chunk, which the caller may reuse when this resolves. */
  async write(chunk: Uint8Array): Promise<void> {
    for (let at = 0; at < chunk.length; ) {
      this.#throwFailure();
      this.#filling ??= takeBuffer();
      const part = chunk.subarray(at, at + WRITE_BUFFER_BYTES - this.#filledBytes);
      this.#filling.set(part, this.#filledBytes);
      this.#filledBytes += part.length;
      at += part.length;
      if (this.#filledBytes === WRITE_BUFFER_BYTES) await this.#flush();
    }
    if (this.#filledBytes > 0) this.#flushWhenIdle();
  }

  /** Waits until everything taken is with the kernel. */
  async drain(): Promise<void> {
    await this.#flush();
    await this.#writing;
    this.#throwFailure();
  }

  /** Waits until everything taken is on disk. */
  async sync(): Promise<void> {
    await this.drain();
    await this.#syncing;
    this.#throwFailure();
    await this.#sync();
    this.#throwFailure();
  }

  /** Waits until nothing touches the file any more, whatever came of it. What has not been drained is dropped. */
  async settle(): Promise<void> {
    clearTimeout(this.#idle);
    if (this.#filling) giveBackBuffer(this.#filling);
    this.#filling = undefined;
    this.#filledBytes = 0;
    await this.#writing;
    await this.#syncing;
  }

  #flushWhenIdle(): void {
    if (this.#idle) {
      this.#idle.refresh();
      return;
    }
    // A failure is kept, and told by the next call.
    this.#idle = setTimeout(() => void this.#flush().catch(() => undefined), IDLE_MS);
    this.#idle.unref();
  }

  async #flush(): Promise<void> {
    // Again, since the flush of an idle writer may wait here beside that of a caller.
    for (let awaited: Promise<void> | undefined; awaited !== this.#writing; ) {
      awaited = this.#writing;
      await awaited;
    }
    this.#throwFailure();
    const full = this.#filling;
    if (full === undefined || this.#filledBytes === 0) return;
    const bytes = full.subarray(0, this.#filledBytes);
    this.#filling = undefined;
    this.#pendingBytes = bytes.length;
    this.#filledBytes = 0;
    this.#writing = this.#writeOut(bytes, full);
  }

  async #writeOut(bytes: Uint8Array, buffer: Uint8Array): Promise<void> {
    try {
      await writeFully(this.#file, bytes, this.#writtenBytes);
      this.#writtenBytes += bytes.length;
      this.#pendingBytes = 0;
      this.#unsyncedBytes += bytes.length;
      if (this.#unsyncedBytes >= SYNC_INTERVAL_BYTES) {
        await this.#syncing;
        this.#syncing = this.#sync();
      }
    } catch (error) {
      this.#failure ??= { error };
    } finally {
      this.#pendingBytes = 0;
      giveBackBuffer(buffer);
    }
  }

  async #sync(): Promise<void> {
    this.#unsyncedBytes = 0;
    try {
      await this.#file.datasync();
    } catch (error) {
      this.#failure ??= { error };
    }
  }

  #throwFailure(): void {
    if (this.#failure) throw this.#failure.error;
  }
}
