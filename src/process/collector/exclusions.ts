import { setTimeout as sleep } from "node:timers/promises";
import type { Logger } from "../../lib/logger.ts";
import { messageOf } from "../../lib/message-of.ts";
import { UNDECIDED_MS } from "../../registry/apply/slice-gate.ts";
import { EXCLUDE_PAUSE_MS, EXCLUDE_WITHIN_MS } from "../../server/coordination/exclusion-times.ts";
import type { WorkerMessage } from "../workers/messages.ts";
import type { OpenSlice } from "./open-slice.ts";
import type { SliceRounds } from "./slice-rounds.ts";

/** What a worker has asked for: its slice, as soon as it has been granted. */
interface Claim {
  slice: OpenSlice | undefined;
}

/** Options of {@link Exclusions}. */
export interface ExclusionsOptions {
  rounds: SliceRounds;
  /** The store may carry out a removal after its sender is gone. */
  mayComeLate: boolean;
  logger: Logger;
  /** Milliseconds since 1970. */
  now: () => number;
}

/**
 * Removals that clients want: each is a slice of its own, which waits until nothing that is being written relies on its
 * keys, and is withdrawn when the worker that asked for it has carried it out.
 */
export class Exclusions {
  readonly #options: ExclusionsOptions;
  /** By worker, then by the number that it gave its question. */
  readonly #claims = new Map<number, Map<number, Claim>>();

  constructor(options: ExclusionsOptions) {
    this.#options = options;
  }

  /** A worker wants to remove something. */
  async ask(worker: number, { id, keys }: Extract<WorkerMessage, { type: "exclude" }>): Promise<void> {
    const { rounds, logger } = this.#options;
    const claim: Claim = { slice: undefined };
    this.#claimsOf(worker).set(id, claim);
    const isWanted = (): boolean => this.#claims.get(worker)?.get(id) === claim;
    try {
      for (let tries = EXCLUDE_WITHIN_MS / EXCLUDE_PAUSE_MS; tries > 0 && isWanted(); tries--) {
        const slice = rounds.open(keys, { number: id, isExclusion: true });
        if ((await rounds.propose(slice)) && slice.needed.size === 0 && isWanted()) {
          slice.decide();
          claim.slice = slice;
          rounds.send(worker, { type: "exclude-answer", id, granted: true });
          return;
        }
        rounds.withdraw(slice);
        await sleep(EXCLUDE_PAUSE_MS, undefined, { ref: false });
      }
    } catch (error) {
      logger.error("a removal cannot be remembered, and is not carried out", { error: messageOf(error) });
    }
    this.#claims.get(worker)?.delete(id);
    rounds.send(worker, { type: "exclude-answer", id, granted: false });
  }

  /** A worker has carried out what it wanted, or failed to. */
  end(worker: number, { id, isUndecided }: Extract<WorkerMessage, { type: "exclude-end" }>): void {
    const claims = this.#claims.get(worker);
    const slice = claims?.get(id)?.slice;
    claims?.delete(id);
    if (slice !== undefined) this.#withdraw(slice, isUndecided);
  }

  /** A worker is no more: what it was about to remove has gone or not. */
  ended(worker: number): void {
    const claims = this.#claims.get(worker);
    this.#claims.delete(worker);
    for (const { slice } of claims?.values() ?? []) {
      if (slice !== undefined) this.#withdraw(slice, true);
    }
  }

  #withdraw(slice: OpenSlice, isUndecided: boolean): void {
    const { rounds, mayComeLate, now } = this.#options;
    const isRefused = isUndecided && mayComeLate;
    rounds.withdraw(slice, isRefused ? { keys: [...slice.keys], untilMs: now() + UNDECIDED_MS } : undefined);
  }

  #claimsOf(worker: number): Map<number, Claim> {
    const claims = this.#claims.get(worker) ?? new Map<number, Claim>();
    this.#claims.set(worker, claims);
    return claims;
  }
}
