import type { Worker } from "node:cluster";
import type { WorkerStatus } from "../../control/protocol.ts";
import type { ServerLoad, StartOrder, SupervisorMessage } from "./messages.ts";
import type { WorkerSeat } from "./worker-seat.ts";

/** What a supervisor knows of one of its workers. */
export interface WorkerState {
  readonly worker: Worker;
  readonly startedMs: number;
  /** What it is to serve, in the place of what all others do. */
  readonly order: StartOrder | undefined;
  /** Of the store that it serves. */
  readonly seat: WorkerSeat;
  /** It has been told what to serve. */
  ordered: boolean;
  listeningMs: number | undefined;
  /** Others have taken its place. */
  draining: boolean;
  /** Why it could not begin. */
  failure: Error | undefined;
}

/** What is known of a worker that is just being made. */
export function newWorkerState(worker: Worker, order: StartOrder | undefined, seat: WorkerSeat): WorkerState {
  return {
    ...{ worker, order, seat, startedMs: Date.now(), ordered: false },
    ...{ listeningMs: undefined, draining: false, failure: undefined },
  };
}

/** Tells whether it takes connections. */
export function isServing({ listeningMs, draining }: WorkerState): boolean {
  return listeningMs !== undefined && !draining;
}

/** Puts a message into a worker's channel. One that is gone is heard of by its exit. */
export function sendToWorker({ worker }: WorkerState, message: SupervisorMessage): void {
  if (worker.isConnected()) worker.send(message, () => {});
}

/**
 * @param load - what it said; undefined: it says nothing
 * @param wasAsked - it should have said something
 */
export function statusOfWorker(
  state: WorkerState,
  load: ServerLoad | undefined,
  wasAsked: boolean,
): WorkerStatus {
  const { worker, startedMs, draining, listeningMs } = state;
  const serving = listeningMs === undefined ? "starting" : "listening";
  return {
    pid: worker.process.pid ?? 0,
    state: draining ? "draining" : serving,
    startedAt: new Date(startedMs).toISOString(),
    uploadsInFlight: load?.uploadsInFlight ?? 0,
    requestsInFlight: load?.requestsInFlight ?? 0,
    ...(wasAsked && load === undefined ? { isSilent: true } : {}),
  };
}
