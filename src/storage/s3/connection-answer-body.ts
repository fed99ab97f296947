import { Readable } from "node:stream";

/** What steers the connection that an answer comes over. */
export interface AnswerControl {
  pause(): void;
  resume(): void;
  abort(reason: Error): void;
}

/** Bytes that may wait for a reader before the connection is paused. */
const WAITING_BYTES = 256 * 1024;

/**
 * The body of an answer, as it comes. A reader that is slow keeps the connection waiting, and destroying the stream
 * closes it.
 */
export class ConnectionAnswerBody extends Readable {
  readonly #control: AnswerControl;
  readonly #onEnd: () => void;
  #isComplete = false;

  /** @param onEnd - called when nothing more is to come */
  constructor(control: AnswerControl, onEnd: () => void) {
    super({ highWaterMark: WAITING_BYTES });
    this.#control = control;
    this.#onEnd = onEnd;
    // It may break before a reader listens, who then finds it destroyed.
    this.on("error", () => undefined);
  }

  /** Adds what has come. */
  receive(chunk: Buffer): void {
    if (!this.destroyed && !this.push(chunk)) this.#control.pause();
  }

  /** Says that everything has come. */
  finish(): void {
    this.#isComplete = true;
    if (!this.destroyed) this.push(null);
  }

  override _read(): void {
    this.#control.resume();
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#onEnd();
    if (!this.#isComplete) this.#control.abort(error ?? new Error("the answer is not wanted any more"));
    callback(error);
  }
}
