import { ApiError } from "../api-error.ts";
import type { PinKey } from "./coordination.ts";

/** Keys of which an object store may still carry out a change, and for how long. */
export interface UndecidedFor {
  keys: readonly PinKey[];
  forMs: number;
  /** What may be written late (the digest that a link is to hold); left out: what lies under the keys may be removed. */
  content?: string;
}

/** Stands for a removal among what may happen to a key. */
const REMOVAL = "";

/**
 * Keys of which a removal or a write was asked for and, at one attempt at the least, never answered: until the store can
 * no longer accept that request, it may undo what came after it. Where it removes, nobody may rely on them before; where
 * it writes, nobody may write anything else, or remove what lies there.
 */
export class UndecidedKeys {
  /** By key, then by what may still be written there. */
  readonly #untilMs = new Map<PinKey, Map<string, number>>();
  readonly #now: () => number;

  /** @param now - milliseconds of a clock that nobody sets */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** Refuses keys for a while; one that is refused for longer already stays so. */
  add({ keys, forMs, content = REMOVAL }: UndecidedFor): void {
    const now = this.#now();
    this.#forget(now);
    for (const key of keys) {
      const changes = this.#untilMs.get(key) ?? new Map<string, number>();
      this.#untilMs.set(key, changes.set(content, Math.max(now + forMs, changes.get(content) ?? 0)));
    }
  }

  /**
   * @param content - what is being written under the keys; undefined: nothing that a late write could undo
   * @throws {ApiError} UNAVAILABLE with Retry-After, if one of the keys may still be removed, or get another content
   */
  check(keys: readonly PinKey[], content?: string): void {
    this.#refuse(keys, (change) => change === REMOVAL || (content !== undefined && change !== content));
  }

  /** @throws {ApiError} as {@link check}, if one of the keys may still be written, so that a removal could be undone */
  checkRemoval(keys: readonly PinKey[]): void {
    this.#refuse(keys, (change) => change !== REMOVAL);
  }

  #refuse(keys: readonly PinKey[], matters: (change: string) => boolean): void {
    if (this.#untilMs.size === 0) return;
    const now = this.#now();
    let untilMs = 0;
    for (const key of keys) {
      for (const [change, until] of this.#untilMs.get(key) ?? []) {
        if (matters(change)) untilMs = Math.max(untilMs, until);
      }
    }
    if (untilMs <= now) return;
    const seconds = Math.ceil((untilMs - now) / 1000);
    throw new ApiError("UNAVAILABLE", {
      headers: { "Retry-After": String(seconds) },
      detail: { reason: "the store may still carry out an earlier change of this content, try again later" },
    });
  }

  #forget(now: number): void {
    for (const [key, changes] of this.#untilMs) {
      for (const [change, untilMs] of changes) if (untilMs <= now) changes.delete(change);
      if (changes.size === 0) this.#untilMs.delete(key);
    }
  }
}
