/** How long a request waits for an upload before its holder is told to stop. */
export const TAKEOVER_AFTER_MS = 10_000;

/** The owner of what is held for no request: no process has this number. */
const NOBODY = -1;

/** A request that wants to write, or writes, an upload. */
export interface UploadClaim {
  readonly uuid: string;
  /** The process of the request, as a number of the caller's choice. */
  readonly owner: number;
  /** The upload is the claim's to write, until it is released. Called once, maybe before `claim` returns. */
  granted(): void;
  /** Somebody else waits for the upload: stop writing, then release. Called once at the most. */
  lost(): void;
}

interface Line {
  /** The first one holds the upload. */
  claims: UploadClaim[];
  timer: NodeJS.Timeout | undefined;
}

/**
 * Who may write which upload: one claim at a time, in the order in which they came. The next one gets it only when
 * the one before has been released, which is after its writer has really closed. So that a half-dead connection does
 * not keep a client from trying again, the holder is told to stop when another has waited for
 * {@link TAKEOVER_AFTER_MS}; until it has released, nobody else writes.
 */
export class UploadQueue {
  readonly #lines = new Map<string, Line>();
  readonly #takeoverAfterMs: number;

  constructor(takeoverAfterMs: number = TAKEOVER_AFTER_MS) {
    this.#takeoverAfterMs = takeoverAfterMs;
  }

  /** Puts a claim at the end of its upload's line. */
  claim(claim: UploadClaim): void {
    const line = this.#lines.get(claim.uuid);
    if (line === undefined) {
      this.#lines.set(claim.uuid, { claims: [claim], timer: undefined });
      claim.granted();
      return;
    }
    line.claims.push(claim);
    if (line.timer === undefined) this.#startTimer(line);
  }

  /**
   * Gives an upload that nobody has or waits for to who wants it but is in no hurry. Whoever claims it meanwhile waits.
   *
   * @returns how to release it; undefined if it is not free
   */
  holdIfFree(uuid: string): (() => void) | undefined {
    if (this.#lines.has(uuid)) return undefined;
    const claim: UploadClaim = { uuid, owner: NOBODY, granted: () => {}, lost: () => {} };
    this.claim(claim);
    return () => this.release(claim);
  }

  /** Ends a claim, whether it holds the upload or still waits. Releasing it again does nothing. */
  release(claim: UploadClaim): void {
    const line = this.#lines.get(claim.uuid);
    const index = line?.claims.indexOf(claim) ?? -1;
    if (line === undefined || index < 0) return;
    line.claims.splice(index, 1);
    if (index === 0 || line.claims.length <= 1) {
      clearTimeout(line.timer);
      line.timer = undefined;
    }
    const next = line.claims[0];
    if (next === undefined) {
      this.#lines.delete(claim.uuid);
      return;
    }
    if (index > 0) return;
    if (line.claims.length > 1) this.#startTimer(line);
    next.granted();
  }

  /** Ends all claims of a process that is no more. To be called only when it can write nothing more. */
  releaseOwner(owner: number): void {
    const claims = [...this.#lines.values()].flatMap((line) => line.claims);
    // Those that wait go first, or each would be granted to the dead in turn.
    for (const claim of claims.reverse()) if (claim.owner === owner) this.release(claim);
  }

  #startTimer(line: Line): void {
    line.timer = setTimeout(() => line.claims[0]?.lost(), this.#takeoverAfterMs);
    line.timer.unref();
  }
}
