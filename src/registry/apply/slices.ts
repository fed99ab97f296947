import { setTimeout } from "node:timers/promises";
import { CancelledError, RegistryCtlError, RegistryStateError } from "../../errors.ts";
import type { DigestTable } from "../graph/digest-table.ts";
import type { Guards } from "./guards.ts";
import type { RetainedLinks } from "./retained-links.ts";
import { type SliceGate, UNDECIDED_MS } from "./slice-gate.ts";
import type { SweepStep } from "./sweep-steps.ts";

/** So often a slice is proposed if not every process answers. */
const ATTEMPTS = 2;
const PAUSE_MS = 1000;

/** A sweep beside a server that takes writes. */
export interface GatedSweep {
  gate: SliceGate;
  /** Another number at each call, for the whole collection. */
  nextSlice: () => number;
  /** Our clock, in milliseconds since 1970. */
  nowMs: () => number;
  /** What was written after it was not planned, and may be what a client has pushed again; by the store's clock. */
  plannedFromMs: number;
  /** Waits between two attempts; for tests. */
  sleep?: ((ms: number, signal: AbortSignal | undefined) => Promise<void>) | undefined;
}

/** Options of {@link Slices}. */
export interface SlicesOptions extends GatedSweep {
  table: DigestTable;
  /** What somebody relies on is added, with what it refers to. */
  retained: RetainedLinks;
  guards: Guards;
  signal?: AbortSignal | undefined;
}

/** The processes that serve did not all answer, time after time: what is left is for another run. */
export class GateClosedError extends RegistryCtlError {
  override readonly name: string = "GateClosedError";
  constructor(cause: RegistryStateError) {
    super("ERR_COLLECTION_GATE", cause.message, { hint: cause.hint, cause });
  }
}

/** Steps of one slice that are condemned, and go. */
export interface CondemnedSlice {
  number: number;
  steps: readonly SweepStep[];
}

/** Makes slices of batches: no step is taken before every process that serves has let go of it. */
export class Slices {
  readonly #options: SlicesOptions;

  constructor(options: SlicesOptions) {
    this.#options = options;
  }

  /**
   * Condemns the keys of a batch. With what somebody relies on stays what it refers to, in this batch and in all later ones;
   * and a manifest stays if somebody relies on one for whose sake it would have been kept.
   *
   * @param areManifests - they are revision links
   * @returns the steps that may be taken; `conclude` must follow in any case
   * @throws {RunLostError}
   * @throws {GateClosedError} if not every process has answered, time after time; nothing is condemned then
   * @throws {CancelledError}
   */
  async condemn(steps: readonly SweepStep[], areManifests: boolean): Promise<CondemnedSlice> {
    const { retained } = this.#options;
    const keyed = steps.map((step) => ({
      step,
      keys: [step, ...(areManifests ? this.#guardsOf(step) : [])].map((each) => this.#keyOf(each)),
    }));
    const { number, needed } = await this.#propose([...new Set(keyed.flatMap(({ keys }) => keys))]);
    if (needed.size > 0) {
      for (const { step, keys } of keyed) {
        if (!keys.some((key) => needed.has(key))) continue;
        if (step.repository === "") retained.addBlob(step.id);
        else retained.add(step.repository, step.id);
      }
    }
    const stays = ({ repository, id }: SweepStep): boolean =>
      repository === "" ? retained.hasBlob(id) : retained.has(repository, id);
    return { number, steps: needed.size === 0 ? steps : steps.filter((step) => !stays(step)) };
  }

  /**
   * Ends a slice when all of its steps have been taken or given up.
   *
   * @param undecided - steps that the store may still take
   */
  async conclude(number: number, undecided: readonly SweepStep[] = []): Promise<void> {
    const { gate, nowMs } = this.#options;
    if (undecided.length === 0) return gate.conclude(number);
    const keys = [...new Set(undecided.map((step) => this.#keyOf(step)))];
    await gate.conclude(number, { keys, untilMs: nowMs() + UNDECIDED_MS });
  }

  async #propose(keys: readonly string[]): Promise<{ number: number; needed: ReadonlySet<string> }> {
    const { gate, nextSlice, signal, sleep = sleepUnlessAborted } = this.#options;
    for (let attempt = 1; ; attempt++) {
      if (signal?.aborted) throw new CancelledError();
      const number = nextSlice();
      try {
        return { number, needed: await gate.condemn(number, keys) };
      } catch (error) {
        if (!(error instanceof RegistryStateError)) throw error;
        if (attempt === ATTEMPTS) throw new GateClosedError(error);
        await sleep(PAUSE_MS * attempt, signal);
      }
    }
  }

  #guardsOf({ repository, id }: SweepStep): Pick<SweepStep, "repository" | "id">[] {
    return this.#options.guards.of(repository, id).map((guard) => ({ repository, id: guard }));
  }

  #keyOf({ repository, id }: Pick<SweepStep, "repository" | "id">): string {
    const digest = this.#options.table.digestOf(id);
    return repository === "" ? digest : `${repository}@${digest}`;
  }
}

async function sleepUnlessAborted(ms: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await setTimeout(ms, undefined, signal ? { signal } : {});
  } catch {
    throw new CancelledError();
  }
}
