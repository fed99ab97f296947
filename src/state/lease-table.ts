import { LeaseSet } from "./lease-set.ts";

/** How long leases are kept together: so much longer than it must may one of them hold. */
const MAX_SPAN_MS = 3_600_000;
const MIN_SPAN_MS = 1_000;
/** A lease time has so many spans, where they are not too short or too long. */
const SPANS = 24;

/** 64 bits that stand for a key, as two unsigned 32-bit halves. */
export interface LeasePrefix {
  high: number;
  low: number;
}

/**
 * The leases of one process, kept and forgotten by spans of time: a lease holds for the lease time, and up to a span
 * longer (an hour where leases hold for a day). It keeps prefixes, not keys. Two keys with one prefix make a false
 * lease, which keeps some garbage for another run and never loses anything.
 */
export class LeaseTable {
  /** How long a lease holds at the least; 0: leases do not hold. */
  readonly #leaseMs: number;
  readonly #spanMs: number;
  readonly #now: () => number;
  /** By the beginning of the span, in milliseconds since 1970. */
  readonly #bySpan = new Map<number, LeaseSet>();

  /** @param now - milliseconds since 1970 */
  constructor(leaseMs: number, now: () => number = Date.now) {
    this.#leaseMs = leaseMs;
    this.#spanMs = Math.min(Math.max(Math.ceil(leaseMs / SPANS), MIN_SPAN_MS), MAX_SPAN_MS);
    this.#now = now;
  }

  /** Whether a lease holds at all. */
  get holds(): boolean {
    return this.#leaseMs > 0;
  }

  /** When the span that it is now has begun, in milliseconds since 1970. */
  get spanStartMs(): number {
    return Math.floor(this.#now() / this.#spanMs) * this.#spanMs;
  }

  /** @returns false if it was leased in this span already */
  add(prefix: LeasePrefix): boolean {
    return this.addAt(this.spanStartMs, prefix);
  }

  /** Takes over a lease that was given in the span, of whatever length, that began then. */
  addAt(spanStartMs: number, prefix: LeasePrefix): boolean {
    let set = this.#bySpan.get(spanStartMs);
    if (set === undefined) {
      this.#forgetExpired();
      set = new LeaseSet();
      this.#bySpan.set(spanStartMs, set);
    }
    return set.add(prefix.high, prefix.low);
  }

  /** Tells whether the key is leased now, or shares its prefix with one that is. */
  has(prefix: LeasePrefix): boolean {
    for (const [spanStartMs, set] of this.#bySpan) {
      if (!this.isExpired(spanStartMs) && set.has(prefix.high, prefix.low)) return true;
    }
    return false;
  }

  /** Tells whether all leases of a span have ended. Spans ahead (a clock set back) have not. */
  isExpired(spanStartMs: number): boolean {
    return !this.holds || spanStartMs + this.#spanMs + this.#leaseMs <= this.#now();
  }

  #forgetExpired(): void {
    for (const spanStartMs of this.#bySpan.keys()) {
      if (this.isExpired(spanStartMs)) this.#bySpan.delete(spanStartMs);
    }
  }
}
