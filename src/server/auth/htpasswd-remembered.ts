import { createHmac, randomBytes } from "node:crypto";
import { LRUCache } from "lru-cache";
import type { BasicCredentials } from "./basic-credentials.ts";

/** A pull sends its password with each blob: it is compared again only when none has come for so long. */
const REMEMBER_MS = 5 * 60_000;
const MAX_REMEMBERED = 10_000;

interface Remembered {
  hash: string;
  untilMs: number;
}

/**
 * Names and passwords that were right a moment ago, as a hash with a key that this process alone has: neither memory nor a
 * dump of it gives a password away, and nobody can make two that are taken for the same.
 */
export class RememberedLogins {
  readonly #key = randomBytes(32);
  readonly #logins = new LRUCache<string, Remembered>({ max: MAX_REMEMBERED });
  readonly #nowMs: () => number;

  /** @param nowMs - a clock that only goes forward */
  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** @returns what stands for these credentials */
  fingerprint({ name, password }: BasicCredentials): string {
    const hmac = createHmac("sha256", this.#key);
    // A name has no NUL.
    return hmac.update(`${name}\0`, "latin1").update(password).digest("base64");
  }

  /**
   * @param hash - what the file says now: with another hash of the user nothing is remembered
   * @returns whether these credentials are known to belong to the hash
   */
  has(fingerprint: string, hash: string | undefined): boolean {
    const found = this.#logins.get(fingerprint);
    if (found === undefined || found.hash !== hash) return false;
    const nowMs = this.#nowMs();
    const isKnown = nowMs < found.untilMs;
    if (isKnown) found.untilMs = nowMs + REMEMBER_MS;
    return isKnown;
  }

  add(fingerprint: string, hash: string): void {
    this.#logins.set(fingerprint, { hash, untilMs: this.#nowMs() + REMEMBER_MS });
  }
}
