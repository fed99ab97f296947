import { CancelledError } from "../../errors.ts";

/** Who wants a planned stop: the clock (`--until`), somebody with `garbage-collect stop`, or a server that ends. */
export type PlannedStopKind = "until" | "stop" | "server";

const WHY: Readonly<Record<PlannedStopKind, string>> = {
  until: "the time is up",
  stop: "asked to stop",
  server: "the server ends",
};

/**
 * The reason of an aborted signal that ends a collection as its user has planned it: the run stops between two batches
 * and succeeds with a report of what it did, and the next run goes on.
 */
export class PlannedStop extends CancelledError {
  override readonly name: string = "PlannedStop";
  readonly kind: PlannedStopKind;

  constructor(kind: PlannedStopKind) {
    super(WHY[kind], {
      hint: "nothing is half done; the next run goes on",
    });
    this.kind = kind;
  }
}

/** @returns the planned stop that a signal was aborted with, or undefined if it was not */
export function plannedStopOf(signal: AbortSignal | undefined): PlannedStop | undefined {
  return signal?.aborted && signal.reason instanceof PlannedStop ? signal.reason : undefined;
}
