/** What all unfinished parts of a process may take in memory. */
export const PART_BUDGET_BYTES = 96 * 1024 * 1024;

/** What may be kept beside it of parts that had to give way and are too small to go elsewhere. */
const KEPT_BUDGET_BYTES = 32 * 1024 * 1024;

/** How long a holder may leave its buffer as it is while others wait. */
const IDLE_MS = 2_000;
/** How long a holder may keep one buffer while others wait, however busy it is: its client is slow. */
const HELD_MS = 10_000;
const LOOK_EVERY_MS = 500;
/** Buffers that are asked for at the same time when others wait. */
const MAX_ASKED = 4;
/** Buffers that nobody used for so long go back to the system. */
const KEEP_UNUSED_MS = 30_000;
/** Smaller ones are made anew each time. */
const MIN_KEPT_BYTES = 1024 * 1024;

/** Whoever has a buffer that is not full yet. */
export interface PartHolder {
  /** Asked while others wait: puts what it has elsewhere, then releases the buffer, if it can. Never rejects. */
  giveBack(): Promise<void>;
}

/** Memory for one part. */
export interface PartBuffer {
  /** As long as was asked for. What is in it is undefined at first. */
  readonly bytes: Uint8Array;
  /** Something was put into it. */
  touch(): void;
  /** It is on its way to the store and comes back by itself. */
  sending(): void;
  /** May be called again without effect. */
  release(): void;
}

interface Waiter {
  bytes: number;
  grant: () => void;
}

interface Held {
  holder: PartHolder;
  sinceMs: number;
  touchedMs: number;
  isSending: boolean;
  isAsked: boolean;
}

/**
 * Memory that all uploads of a process share. A whole part is reserved before its first byte is read from the client, so
 * nobody waits for memory while holding some, and clients feel by backpressure that the store is the slower one. Those
 * who wait are served in their order; meanwhile holders whose client is idle or slow are asked to give their buffer back.
 */
export class PartBudget {
  readonly #limitBytes: number;
  readonly #now: () => number;
  readonly #waiters: Waiter[] = [];
  readonly #held = new Map<PartBuffer, Held>();
  readonly #unused: Uint8Array[] = [];
  #usedBytes = 0;
  #unusedBytes = 0;
  #keptBytes = 0;
  #looking: NodeJS.Timeout | undefined;
  #dropping: NodeJS.Timeout | undefined;

  /** @param now - milliseconds by any clock, for tests */
  constructor(limitBytes: number = PART_BUDGET_BYTES, now: () => number = Date.now) {
    this.#limitBytes = limitBytes;
    this.#now = now;
  }

  /** Bytes in use. */
  get usedBytes(): number {
    return this.#usedBytes;
  }

  /**
   * Waits for a buffer.
   *
   * @throws {RangeError} if there will never be one of that size
   */
  async reserve(bytes: number, holder: PartHolder): Promise<PartBuffer> {
    if (bytes > this.#limitBytes) throw new RangeError(`${bytes} bytes are more than all uploads may take`);
    if (this.#waiters.length > 0 || !this.#fits(bytes)) await this.#wait(bytes);
    else this.#usedBytes += bytes;
    return this.#hold(bytes, holder);
  }

  /**
   * Allows a holder that gives its buffer back to keep what is in it.
   *
   * @returns what to call when it is kept no longer; undefined if too much is kept already
   */
  keep(bytes: number): (() => void) | undefined {
    if (this.#keptBytes + bytes > KEPT_BUDGET_BYTES) return undefined;
    this.#keptBytes += bytes;
    let isKept = true;
    return () => {
      if (isKept) this.#keptBytes -= bytes;
      isKept = false;
    };
  }

  /**
   * Asks holders for their buffers, if others wait for some. Called from time to time; public for tests.
   *
   * @returns when those that were asked have answered
   */
  async askHolders(): Promise<void> {
    if (this.#waiters.length === 0) return;
    const now = this.#now();
    const asked = [...this.#held.values()].filter(({ isAsked }) => isAsked).length;
    const slow = [...this.#held.values()]
      .filter(({ isSending, isAsked }) => !isSending && !isAsked)
      .filter(({ sinceMs, touchedMs }) => now - touchedMs >= IDLE_MS || now - sinceMs >= HELD_MS)
      .sort((a, b) => a.touchedMs - b.touchedMs)
      .slice(0, Math.max(0, MAX_ASKED - asked));
    await Promise.all(
      slow.map(async (held) => {
        held.isAsked = true;
        await held.holder.giveBack();
        held.isAsked = false;
        // One that could not is asked again after a while.
        held.touchedMs = this.#now();
        held.sinceMs = held.touchedMs;
      }),
    );
  }

  #hold(bytes: number, holder: PartHolder): PartBuffer {
    const now = this.#now();
    const held: Held = { holder, sinceMs: now, touchedMs: now, isSending: false, isAsked: false };
    const memory = this.#memory(bytes);
    const buffer: PartBuffer = {
      bytes: memory,
      touch: () => {
        held.touchedMs = this.#now();
      },
      sending: () => {
        held.isSending = true;
      },
      release: () => {
        if (!this.#held.delete(buffer)) return;
        this.#keep(memory);
        this.#usedBytes -= bytes;
        this.#serve();
      },
    };
    this.#held.set(buffer, held);
    return buffer;
  }

  #wait(bytes: number): Promise<void> {
    this.#looking ??= setInterval(() => void this.askHolders(), LOOK_EVERY_MS).unref();
    return new Promise((grant) => this.#waiters.push({ bytes, grant }));
  }

  #serve(): void {
    for (let first = this.#waiters[0]; first && this.#fits(first.bytes); first = this.#waiters[0]) {
      this.#waiters.shift();
      this.#usedBytes += first.bytes;
      first.grant();
    }
    if (this.#waiters.length > 0) return;
    clearInterval(this.#looking);
    this.#looking = undefined;
  }

  #fits(bytes: number): boolean {
    return this.#usedBytes + bytes <= this.#limitBytes;
  }

  /** Memory is used again: new one for every part would lie about until the garbage collector comes. */
  #memory(bytes: number): Uint8Array {
    const index = this.#unused.findIndex((buffer) => buffer.length === bytes);
    if (index >= 0) {
      this.#unusedBytes -= bytes;
      return this.#unused.splice(index, 1)[0] ?? Buffer.allocUnsafeSlow(bytes);
    }
    while (this.#unused.length > 0 && this.#usedBytes + this.#unusedBytes > this.#limitBytes) {
      this.#unusedBytes -= this.#unused.shift()?.length ?? 0;
    }
    return Buffer.allocUnsafeSlow(bytes);
  }

  #keep(memory: Uint8Array): void {
    if (memory.length < MIN_KEPT_BYTES) return;
    this.#unused.push(memory);
    this.#unusedBytes += memory.length;
    this.#dropping?.refresh();
    this.#dropping ??= setTimeout(() => {
      this.#dropping = undefined;
      this.#unused.length = 0;
      this.#unusedBytes = 0;
    }, KEEP_UNUSED_MS).unref();
  }
}

/** That of this process. */
export const processBudget = new PartBudget();
