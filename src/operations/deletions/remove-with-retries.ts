import { setTimeout as sleep } from "node:timers/promises";
import { CancelledError } from "../../errors.ts";
import { messageOf } from "../../lib/message-of.ts";
import type { Deletions, FailedDeletion } from "../../state/deletions.ts";
import { type Backoff, delayAfter } from "../../storage/wrappers/retry/backoff.ts";
import type { RemovalOutcome, TagSource, TagTarget } from "../tags/tag-source.ts";

/** The first and ten more, as often as GitLab retries before it says delete_failed. */
const DEFAULT_ATTEMPTS = 11;
const FIRST_WAIT_MS = 1_000;
const MAX_WAIT_MS = 60_000;

/** What is told before a wait. */
export interface RemovalWait {
  repository: string;
  /** How many tags could not be removed. */
  failed: number;
  /** Why one of them could not. */
  reason: string;
  /** How often it was tried. */
  attempt: number;
  attempts: number;
  waitMs: number;
}

/** How {@link removeWithRetries} goes on where tags cannot be removed. */
export interface RetriedRemovalOptions {
  /** All attempts, the first included; 1: nothing is tried again. Default: 11, ten of them retries. */
  attempts?: number | undefined;
  /** The first wait at the most; each further one is twice as long. Default: a second. */
  firstWaitMs?: number | undefined;
  /** No wait is longer. Default: a minute. */
  maxWaitMs?: number | undefined;
  signal?: AbortSignal | undefined;
  /** Called once for each tag, when it is settled: after the last attempt. */
  onOutcome: (outcome: RemovalOutcome) => void;
  onWait?: ((wait: RemovalWait) => void) | undefined;
  /** Where what fails in the end is remembered, and what is gone is forgotten; undefined: nowhere. */
  deletions?: Deletions | undefined;
  /** Between 0 and 1. */
  random?: (() => number) | undefined;
  /** For tests. */
  wait?: ((waitMs: number, signal: AbortSignal | undefined) => Promise<void>) | undefined;
}

/**
 * Removes tags that still point to what was planned, as {@link TagSource.remove} does. Those that fail for a reason that may
 * pass are tried again, together, after a wait that grows; those that fail for good are not. What has failed in the end is
 * remembered as delete_failed; what had failed before and is gone now is forgotten.
 *
 * @throws {RegistryStateError} if tags cannot be removed there; nothing is remembered
 * @throws {CancelledError} when the signal came; what was waiting to be tried again is remembered as failed
 * @throws {Error} what the source throws: then all tags without an outcome are remembered as failed
 */
export async function removeWithRetries(
  source: TagSource,
  repository: string,
  tags: readonly TagTarget[],
  options: RetriedRemovalOptions,
): Promise<void> {
  // Where no tag can be removed at all, none has failed.
  if (tags.length > 0) await source.checkRemoval?.(repository, options.signal);
  await new Removal(source, repository, tags, options).run();
}

class Removal {
  readonly #source: TagSource;
  readonly #repository: string;
  readonly #options: RetriedRemovalOptions;
  readonly #backoff: Backoff;
  /** By name, without an outcome that counts. */
  readonly #left: Map<string, TagTarget>;
  /** Of those left, what the last attempt came to. */
  #failures = new Map<string, RemovalOutcome>();
  readonly #failed: FailedDeletion[] = [];
  readonly #settled: string[] = [];
  #attempt = 0;

  constructor(
    source: TagSource,
    repository: string,
    tags: readonly TagTarget[],
    options: RetriedRemovalOptions,
  ) {
    const { attempts = DEFAULT_ATTEMPTS, firstWaitMs = FIRST_WAIT_MS, maxWaitMs = MAX_WAIT_MS } = options;
    this.#source = source;
    this.#repository = repository;
    this.#options = options;
    this.#backoff = { attempts, firstDelayMs: firstWaitMs, maxDelayMs: maxWaitMs };
    this.#left = new Map(tags.map((tag) => [tag.name, tag]));
  }

  async run(): Promise<void> {
    try {
      await this.#tryAll();
    } catch (error) {
      this.#giveUp(error);
      throw error;
    } finally {
      await this.#remember();
    }
  }

  async #tryAll(): Promise<void> {
    const { attempts } = this.#backoff;
    while (this.#left.size > 0) {
      this.#attempt++;
      this.#failures = new Map();
      await this.#source.remove(this.#repository, [...this.#left.values()], {
        signal: this.#options.signal,
        onOutcome: (outcome) => this.#take(outcome),
      });
      // A source that says nothing of a tag has not been asked to stop: it must not be asked for ever.
      if (this.#failures.size === 0) return;
      if (this.#attempt >= attempts) {
        for (const outcome of this.#failures.values()) this.#settle(outcome);
        return;
      }
      await this.#wait();
    }
  }

  #take(outcome: RemovalOutcome): void {
    if (outcome.kind === "failed" && outcome.isPassing === true) this.#failures.set(outcome.name, outcome);
    else this.#settle(outcome);
  }

  #settle(outcome: RemovalOutcome): void {
    const tag = this.#left.get(outcome.name);
    this.#left.delete(outcome.name);
    this.#failures.delete(outcome.name);
    if (outcome.kind === "failed") {
      this.#failed.push({
        ...{ repository: this.#repository, name: outcome.name },
        ...(tag?.digest === undefined ? {} : { digest: tag.digest }),
        ...{ attempts: this.#attempt, reason: outcome.reason ?? "unknown" },
      });
    } else this.#settled.push(outcome.name);
    this.#options.onOutcome(outcome);
  }

  async #wait(): Promise<void> {
    const { signal, onWait, random = Math.random, wait = pause } = this.#options;
    // Never less than half of the bound, so that each wait is longer than the last one was.
    const share = 0.5 + random() / 2;
    const waitMs = Math.round(delayAfter(this.#attempt, this.#backoff, share));
    const [first] = this.#failures.values();
    onWait?.({
      ...{ repository: this.#repository, failed: this.#failures.size, reason: first?.reason ?? "unknown" },
      ...{ attempt: this.#attempt, attempts: this.#backoff.attempts, waitMs },
    });
    await wait(waitMs, signal);
  }

  /** What was being tried is not known to be gone. Of what was not begun when somebody asked to stop, nothing is to be said. */
  #giveUp(error: unknown): void {
    const isStop = error instanceof CancelledError || this.#options.signal?.aborted === true;
    const ended = isStop ? "stopped while it was to be tried again" : messageOf(error);
    for (const name of [...this.#left.keys()]) {
      const failure = this.#failures.get(name);
      if (failure) this.#settle(failure);
      else if (!isStop || this.#attempt > 1) this.#settle({ name, kind: "failed", reason: ended });
    }
  }

  async #remember(): Promise<void> {
    const { deletions } = this.#options;
    if (deletions === undefined) return;
    const repository = this.#repository;
    await deletions.forget(this.#settled.map((name) => ({ repository, name })));
    await deletions.recordFailed(this.#failed);
  }
}

async function pause(waitMs: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await sleep(waitMs, undefined, signal === undefined ? {} : { signal });
  } catch (cause) {
    throw new CancelledError("stopped while a deletion was to be tried again", { cause });
  }
}
