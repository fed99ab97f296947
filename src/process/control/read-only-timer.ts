import type { ReadOnlyAnswer, ReadOnlyRequest, ReadOnlyState } from "../../control/protocol.ts";
import { RegistryStateError } from "../../errors.ts";
import type { Logger } from "../../lib/logger.ts";
import { messageOf } from "../../lib/message-of.ts";
import type { KeptReadOnly } from "../../state/read-only-state.ts";
import { type CarriedReadOnly, ReadOnlyFolders } from "./read-only-folders.ts";

/** The end is looked for by the clock this often: timers do not count the time in which the machine slept. */
const LOOK_EVERY_MS = 15_000;

/** Options of {@link ReadOnlyKeeper}. */
export interface ReadOnlyKeeperOptions {
  /** Where the state is kept over restarts; undefined: nowhere. */
  stateFolder: string | undefined;
  /** It stands in the configuration, or `--read-only-store` was given. */
  byConfiguration: boolean;
  logger: Logger;
  /** Called when writes are to be taken again because the time is over, in turn with everything else that changes. */
  onEnd: () => void;
  /** Milliseconds since 1970. */
  nowMs?: () => number;
}

/** A reason to refuse writes that is not kept: whoever has it asks again after a restart. */
export interface ReadOnlyHold {
  /** For people. */
  reason: string;
  /** Writes under way may go on for so long. */
  drainMs: number;
}

/** Has all processes that serve refuse writes or take them; see `ServingHost.setReadOnly`. */
type Apply = (on: boolean, drainMs: number) => Promise<number>;

/**
 * Whether a server refuses writes, and until when. What somebody asked for is kept in the state folder: a server that is
 * started again goes on with it, or finds that its time is over.
 */
export class ReadOnlyKeeper {
  readonly #options: ReadOnlyKeeperOptions;
  readonly #nowMs: () => number;
  readonly #folders: ReadOnlyFolders;
  #byConfiguration: boolean;
  #asked: KeptReadOnly | undefined;
  /** When its time is over in any case, in milliseconds of a clock that nobody sets. */
  #endsByMs = Number.POSITIVE_INFINITY;
  #held: KeptReadOnly | undefined;
  #problem: string | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** Requests to refuse writes whose turn has not come, and whether they have been taken back. */
  readonly #waiting = new Map<ReadOnlyRequest, boolean>();
  /** Ends the wait for writes that were under way when it became read-only. */
  #endWait: (() => void) | undefined;

  /** Takes up what an earlier server has kept. */
  constructor(options: ReadOnlyKeeperOptions) {
    this.#options = options;
    this.#nowMs = options.nowMs ?? Date.now;
    this.#byConfiguration = options.byConfiguration;
    this.#folders = new ReadOnlyFolders(options.stateFolder);
    this.#asked = this.#takeUp();
    this.#limit();
    this.#arm();
  }

  get state(): ReadOnlyState {
    const why = this.#asked ?? this.#held;
    const byConfiguration = this.#byConfiguration;
    return {
      ...{ on: byConfiguration || why !== undefined, byConfiguration },
      ...(why !== undefined && why === this.#held ? { byStore: true } : {}),
      ...why,
    };
  }

  /** Why the state would not outlive the server; undefined: it would. */
  get problem(): string | undefined {
    return this.#asked === undefined ? undefined : this.#problem;
  }

  /**
   * To be called as soon as a request is there, before its turn: what it takes back does not begin any more, and nobody waits
   * any more until the writes under way have ended.
   */
  announce(request: ReadOnlyRequest): void {
    if (!request.on && this.#concerns(request)) this.#endWait?.();
    for (const earlier of this.#waiting.keys())
      if (takesBack(request, earlier)) this.#waiting.set(earlier, true);
    if (request.on) this.#waiting.set(request, false);
  }

  /**
   * See `Control.setReadOnly`.
   *
   * @throws {RegistryStateError} if it is taken back before it begins, or before the writes under way have ended
   */
  async set(request: ReadOnlyRequest, apply: Apply): Promise<ReadOnlyAnswer> {
    const isPointless = this.#waiting.get(request) ?? false;
    this.#waiting.delete(request);
    if (isPointless) throw isTakenBack();
    const before = this.state;
    if (!this.#concerns(request)) return { before, now: before, cutOff: 0 };
    this.#asked = request.on ? this.#wanted(request) : undefined;
    this.#limit();
    // Before anybody relies on it. Whoever dies in between has refused writes for too long, never taken them too early.
    if (this.#asked !== undefined) this.#keep(this.#asked);
    this.#arm();
    let cutOff: number;
    try {
      cutOff = await this.#unlessTakenBack(apply(this.state.on, request.drainMs), request.on);
    } finally {
      if (this.#asked === undefined) this.#forget();
      this.#arm();
    }
    const now = this.state;
    this.#options.logger.info(now.on ? "writes are refused" : "writes are taken", { ...now });
    return { before, now, cutOff };
  }

  /** The configuration says something else now. */
  async configure(byConfiguration: boolean, apply: Apply): Promise<void> {
    if (byConfiguration === this.#byConfiguration) return;
    this.#byConfiguration = byConfiguration;
    await apply(this.state.on, 0);
  }

  /**
   * Keeps what was asked for in the state folder of another store too, which is to be served in the place of this one.
   *
   * @throws {RegistryStateError} if something else is kept there
   * @throws {Error} if it cannot be kept there
   */
  carryTo(stateFolder: string): CarriedReadOnly {
    return this.#folders.carry(this.#asked, stateFolder, (kept) => this.#isOver(kept));
  }

  /**
   * Another store is served: what its configuration says counts, and what that store asks for, in the place of what the other did.
   */
  async useStore(
    { byConfiguration, hold }: { byConfiguration: boolean; hold: ReadOnlyHold | undefined },
    apply: Apply,
  ): Promise<void> {
    this.#byConfiguration = byConfiguration;
    await this.hold(hold, apply);
  }

  /** Refuses writes as long as somebody else has a reason. @param hold - undefined: the reason is gone */
  async hold(hold: ReadOnlyHold | undefined, apply: Apply): Promise<void> {
    this.holdFromStart(hold);
    await apply(this.state.on, hold?.drainMs ?? 0);
  }

  /** As {@link ReadOnlyKeeper.hold}, before anybody serves. */
  holdFromStart(hold: ReadOnlyHold | undefined): void {
    this.#held = hold && { since: new Date(this.#nowMs()).toISOString(), reason: hold.reason };
  }

  /** Takes back what was asked for, if its time is over. */
  async endIfOver(apply: Apply): Promise<void> {
    if (!this.#isOver(this.#asked)) return this.#arm();
    await this.set({ on: false, reason: "its time is over", drainMs: 0 }, apply);
  }

  /** Leaves everything as it is: a server that starts later goes on with it. */
  stop(): void {
    clearTimeout(this.#timer);
  }

  #concerns({ onlyIfReason }: ReadOnlyRequest): boolean {
    return onlyIfReason === undefined || onlyIfReason === this.state.reason;
  }

  async #unlessTakenBack(applied: Promise<number>, on: boolean): Promise<number> {
    if (!on) return applied;
    const takenBack = new Promise<never>((_, reject) => {
      this.#endWait = () => reject(isTakenBack());
    });
    try {
      return await Promise.race([applied, takenBack]);
    } finally {
      this.#endWait = undefined;
    }
  }

  #wanted({ forMs, reason }: ReadOnlyRequest): KeptReadOnly {
    const nowMs = this.#nowMs();
    const since = new Date(nowMs).toISOString();
    return forMs === undefined
      ? { since, reason }
      : { since, until: new Date(nowMs + forMs).toISOString(), reason };
  }

  #isOver(state: KeptReadOnly | undefined): boolean {
    return this.#leftMs(state) <= 0;
  }

  #leftMs(state: KeptReadOnly | undefined): number {
    if (state?.until === undefined) return Number.POSITIVE_INFINITY;
    const leftMs = Date.parse(state.until) - this.#nowMs();
    return state === this.#asked ? Math.min(leftMs, this.#endsByMs - performance.now()) : leftMs;
  }

  /** Where the clock was set back it must not last longer than somebody wanted. */
  #limit(): void {
    const { since, until } = this.#asked ?? {};
    if (since === undefined || until === undefined) this.#endsByMs = Number.POSITIVE_INFINITY;
    else {
      const wantedMs = Date.parse(until) - Date.parse(since);
      this.#endsByMs = performance.now() + Math.min(wantedMs, Date.parse(until) - this.#nowMs());
    }
  }

  #takeUp(): KeptReadOnly | undefined {
    const { logger } = this.#options;
    let kept: KeptReadOnly | undefined;
    try {
      kept = this.#folders.read();
    } catch (error) {
      // Somebody wanted no writes, perhaps for a collection that still runs.
      const reason = `what was kept of it cannot be read: ${messageOf(error)}`;
      logger.error("writes are refused until somebody takes that back", { reason });
      return { since: new Date(this.#nowMs()).toISOString(), reason };
    }
    if (!this.#isOver(kept)) return kept;
    logger.info("writes are taken again: the time for which they were refused is over", { ...kept });
    this.#forget();
    return undefined;
  }

  #keep(state: KeptReadOnly): void {
    try {
      this.#folders.keep(state);
      this.#problem = undefined;
    } catch (error) {
      // On a full disk a collection that makes room must still be possible.
      this.#problem = `that it is read-only is forgotten when it ends: ${messageOf(error)}`;
      this.#options.logger.warn(this.#problem);
    }
  }

  #forget(): void {
    try {
      this.#folders.forget();
    } catch (error) {
      const why = messageOf(error);
      this.#options.logger.error("the next start may find the registry read-only", { error: why });
    }
  }

  #arm(): void {
    clearTimeout(this.#timer);
    if (this.#asked?.until === undefined) return;
    const leftMs = Math.max(0, this.#leftMs(this.#asked));
    this.#timer = setTimeout(() => this.#look(), Math.min(leftMs, LOOK_EVERY_MS));
    this.#timer.unref();
  }

  #look(): void {
    if (this.#isOver(this.#asked)) {
      this.#endWait?.();
      this.#options.onEnd();
    } else this.#arm();
  }
}

/** Whether a request makes an earlier one, to refuse writes, pointless. */
function takesBack({ on, onlyIfReason }: ReadOnlyRequest, earlier: ReadOnlyRequest): boolean {
  return onlyIfReason === undefined ? !on : onlyIfReason === earlier.reason;
}

function isTakenBack(): RegistryStateError {
  return new RegistryStateError("writes are taken again: that was asked for, or its time was over", {
    hint: "give writes under way less time to end by --timeout, or the registry more time read-only",
  });
}
