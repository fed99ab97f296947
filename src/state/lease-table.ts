import { LeaseSet } from "./lease-set.ts";

/** How long a lease holds at the least, in hours. */
export const LEASE_HOURS = 24;

const HOUR_MS = 3_600_000;

/** 64 bits that stand for a key, as two unsigned 32-bit halves. */
export interface LeasePrefix {
  high: number;
  low: number;
}

/**
 * The leases of one process, forgotten hour by hour: a lease holds for {@link LEASE_HOURS} and up to an hour longer.
 * It keeps prefixes, not keys. Two keys with one prefix make a false lease, which keeps some garbage for another run
 * and never loses anything.
 */
export class LeaseTable {
  readonly #byHour = new Map<number, LeaseSet>();
  readonly #now: () => number;

  /** @param now - milliseconds since 1970 */
  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  /** Number of whole hours since 1970. */
  get hour(): number {
    return Math.floor(this.#now() / HOUR_MS);
  }

  /** @returns false if it was leased in this hour already */
  add(prefix: LeasePrefix): boolean {
    return this.addAt(this.hour, prefix);
  }

  /** Takes over a lease of an earlier hour. */
  addAt(hour: number, prefix: LeasePrefix): boolean {
    let set = this.#byHour.get(hour);
    if (set === undefined) {
      this.#forgetExpired();
      set = new LeaseSet();
      this.#byHour.set(hour, set);
    }
    return set.add(prefix.high, prefix.low);
  }

  /** Tells whether the key is leased now, or shares its prefix with one that is. */
  has(prefix: LeasePrefix): boolean {
    const now = this.hour;
    for (const [hour, set] of this.#byHour) {
      if (!isExpired(hour, now) && set.has(prefix.high, prefix.low)) return true;
    }
    return false;
  }

  #forgetExpired(): void {
    const now = this.hour;
    for (const hour of this.#byHour.keys()) if (isExpired(hour, now)) this.#byHour.delete(hour);
  }
}

/** Tells whether all leases given in `hour` have ended at `now`. Hours ahead (a clock set back) have not. */
export function isExpired(hour: number, now: number): boolean {
  return hour + LEASE_HOURS < now;
}
