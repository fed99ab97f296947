import { CancelledError } from "../../errors.ts";
import type { Concurrency } from "./concurrency.ts";
import { MAX_WHOLE_BYTES } from "./copy-context.ts";
import type { RepositoryGate } from "./repository-gate.ts";

/** Large files that are copied at a time, beside the small ones: a store takes several parts of each at once. */
const LARGE_AT_ONCE = 4;
/** What small files that are under way may take in memory together. */
const MAX_SMALL_BYTES = 32 * 1024 * 1024;
/** So many copies wait at the most. */
const MAX_WAITING = 4096;

/** A file to be copied. */
export interface QueuedCopy {
  sizeBytes: number;
  /** Of the repository it belongs to. */
  gate: RepositoryGate | undefined;
  /** It is a tag's, so that what is before it has to be there first. */
  isTag: boolean;
  /** Resolves with false if it has failed; rejects only for what ends everything. */
  run(): Promise<boolean>;
}

/** Copies files in about the order in which they come: many small ones at a time, and a few large ones beside them. */
export class CopyQueue {
  readonly #concurrency: Concurrency;
  readonly #small: QueuedCopy[] = [];
  readonly #large: QueuedCopy[] = [];
  #smallUnderWay = 0;
  #smallBytes = 0;
  #largeUnderWay = 0;
  /** Those at gates, those that wait and those under way. */
  #open = 0;
  #isStopped = false;
  #failure: { error: unknown } | undefined;
  #waiting: (() => void)[] = [];

  constructor(concurrency: Concurrency) {
    this.#concurrency = concurrency;
  }

  /** Whether so much waits that no more should be added. */
  get isFull(): boolean {
    return this.#open >= MAX_WAITING;
  }

  /** Copies are under way or wait. */
  get isBusy(): boolean {
    return this.#open > 0;
  }

  add(copy: QueuedCopy): void {
    this.#open++;
    if (copy.isTag && copy.gate) copy.gate.whenOpen(() => this.#enqueue(copy));
    else {
      copy.gate?.enter();
      this.#enqueue(copy);
    }
  }

  /**
   * Waits until there is room.
   *
   * @throws what a copy has rejected with
   * @throws {CancelledError} if it was stopped
   */
  async room(): Promise<void> {
    while (this.isFull && !this.#isStopped) await this.#change();
    this.#check();
  }

  /**
   * Waits until nothing is left.
   *
   * @throws what a copy has rejected with
   * @throws {CancelledError} if it was stopped
   */
  async drained(): Promise<void> {
    while (this.isBusy && !this.#isStopped) await this.#change();
    this.#check();
  }

  /** Begins no more copies, and waits for those that are under way. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#wake();
    while (this.#smallUnderWay + this.#largeUnderWay > 0) await this.#change();
  }

  #enqueue(copy: QueuedCopy): void {
    (copy.sizeBytes > MAX_WHOLE_BYTES ? this.#large : this.#small).push(copy);
    this.#start();
  }

  #start(): void {
    while (!this.#isStopped && this.#hasRoomForSmall()) {
      const copy = this.#small.shift();
      if (copy) void this.#runSmall(copy);
    }
    while (!this.#isStopped && this.#large.length > 0 && this.#largeUnderWay < LARGE_AT_ONCE) {
      const copy = this.#large.shift();
      if (copy) void this.#runLarge(copy);
    }
  }

  #hasRoomForSmall(): boolean {
    const [first] = this.#small;
    if (!first || this.#smallUnderWay >= this.#concurrency.limit) return false;
    return this.#smallUnderWay === 0 || this.#smallBytes + first.sizeBytes <= MAX_SMALL_BYTES;
  }

  async #runSmall(copy: QueuedCopy): Promise<void> {
    this.#smallUnderWay++;
    this.#smallBytes += copy.sizeBytes;
    const isDone = await this.#run(copy);
    this.#smallUnderWay--;
    this.#smallBytes -= copy.sizeBytes;
    this.#concurrency.ended({ hasFailed: !isDone, isWaiting: this.#small.length > 0 });
    this.#ended(copy);
  }

  async #runLarge(copy: QueuedCopy): Promise<void> {
    this.#largeUnderWay++;
    await this.#run(copy);
    this.#largeUnderWay--;
    this.#ended(copy);
  }

  async #run(copy: QueuedCopy): Promise<boolean> {
    try {
      return await copy.run();
    } catch (error) {
      this.#failure ??= { error };
      this.#isStopped = true;
      return false;
    }
  }

  #ended(copy: QueuedCopy): void {
    this.#open--;
    if (!copy.isTag) copy.gate?.leave();
    this.#start();
    this.#wake();
  }

  #change(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
    });
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }

  #check(): void {
    if (this.#failure) throw this.#failure.error;
    if (this.#isStopped) throw new CancelledError();
  }
}
