/** Two buffers of the same size: one is filled while the other is sent. */
export type BufferRing = readonly [Buffer, Buffer];

/** With this size a download costs the least time per byte; larger ones gain nothing. */
const LARGE_BUFFER_BYTES = 512 * 1024;
const SMALL_BUFFER_BYTES = 64 * 1024;

/**
 * The buffers of downloads. Large ones are reused and limited in number, so that memory has a bound; downloads beyond
 * it, such as those of many slow readers, get small ones of their own.
 */
export class BufferRings {
  readonly #maxLarge: number;
  #large = 0;
  readonly #free: BufferRing[] = [];

  constructor(maxLarge: number) {
    this.#maxLarge = maxLarge;
  }

  /** Lends a ring; it must come back by {@link BufferRings.giveBack}, when nothing reads its buffers any more. */
  lend(): BufferRing {
    const free = this.#free.pop();
    if (free) return free;
    if (this.#large >= this.#maxLarge) return newRing(SMALL_BUFFER_BYTES);
    this.#large++;
    return newRing(LARGE_BUFFER_BYTES);
  }

  /** Takes a ring back. */
  giveBack(ring: BufferRing): void {
    if (ring[0].length === LARGE_BUFFER_BYTES) this.#free.push(ring);
  }

  /** A large ring whose buffers the system may still read is not lent again; another may be made in its place. */
  discard(ring: BufferRing): void {
    if (ring[0].length === LARGE_BUFFER_BYTES) this.#large--;
  }
}

function newRing(sizeBytes: number): BufferRing {
  return [Buffer.allocUnsafeSlow(sizeBytes), Buffer.allocUnsafeSlow(sizeBytes)];
}
