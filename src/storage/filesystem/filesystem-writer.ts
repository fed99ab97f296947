import { CancelledError } from "../../errors.ts";
import type { FileWriter } from "../driver.ts";
import type { FsFile } from "./fs-operations.ts";
import { WriteBehind } from "./write-behind.ts";

/** A file that has not been written for so long gets a new modification time at commit: its age counts from there. */
const STALE_AFTER_MS = 60_000;

/** What the driver does for a writer around the open file. */
export interface WriterEnd {
  /** Makes the file, whose content is durable, visible and its name durable. */
  publish(): Promise<void>;
  /** Removes the file. */
  discard(): Promise<void>;
  /** Turns an error of the file system into one of ours. */
  translate(error: unknown): unknown;
}

/** Writes an open file in order at explicit offsets. */
export class FilesystemWriter implements FileWriter {
  readonly #file: FsFile;
  readonly #end: WriterEnd;
  readonly #keepOnClose: boolean;
  readonly #signal: AbortSignal | undefined;
  readonly #content: WriteBehind;
  #lastWriteMs = 0;
  #ended = false;
  #closed = false;

  constructor(
    file: FsFile,
    startBytes: number,
    end: WriterEnd,
    options: { keepOnClose: boolean; signal?: AbortSignal | undefined },
  ) {
    this.#file = file;
    this.#end = end;
    this.#keepOnClose = options.keepOnClose;
    this.#signal = options.signal;
    this.#content = new WriteBehind(file, startBytes);
  }

  get sizeBytes(): number {
    return this.#content.sizeBytes;
  }

  async write(chunk: Uint8Array): Promise<void> {
    if (this.#ended) throw new Error("write to an ended writer");
    if (this.#signal?.aborted) throw new CancelledError();
    this.#lastWriteMs = Date.now();
    await this.#translated(this.#content.write(chunk));
  }

  async commit(): Promise<void> {
    if (this.#ended) return;
    if (this.#signal?.aborted) throw new CancelledError();
    await this.#translated(this.#commit());
    this.#ended = true;
  }

  async #commit(): Promise<void> {
    await this.#content.drain();
    if (Date.now() - this.#lastWriteMs > STALE_AFTER_MS) await this.#file.touch();
    await this.#content.sync();
    await this.#closeFile();
    await this.#end.publish();
  }

  async cancel(): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    await this.#translated(
      (async () => {
        await this.#closeFile();
        await this.#end.discard();
      })(),
    );
  }

  async close(): Promise<void> {
    if (this.#ended) return;
    if (!this.#keepOnClose) return this.cancel();
    this.#ended = true;
    await this.#translated(this.#leave());
  }

  async #leave(): Promise<void> {
    try {
      await this.#content.drain();
    } finally {
      await this.#closeFile();
    }
  }

  async #closeFile(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#content.settle();
    await this.#file.close();
  }

  async #translated(work: Promise<void>): Promise<void> {
    try {
      await work;
    } catch (error) {
      throw this.#end.translate(error);
    }
  }
}
