import { sendToWorker, type WorkerState } from "./worker-state.ts";

/** How much longer than `http.draintimeout` a worker may take to end. */
const DRAIN_KILL_MS = 10_000;
/**
 * How long a worker that others have replaced lets connections wait for one more request each: longer than they may be
 * idle, so that each has been used again, or would have been closed in any case.
 */
export const GENTLE_MS = 80_000;
/** How often a worker whose requests may take as long as they like is asked whether it still works on them. */
const ASK_EVERY_MS = 30_000;
/** One that is silent so often in a row hangs: two minutes are longer than a disk keeps it from answering. */
const SILENT_ASKS = 4;

/** How {@link drainWorker} ends a worker. */
export interface DrainOptions {
  /** Its connections may wait for one more request. */
  gently: boolean;
  /**
   * After which requests are cut off; 0: never. A worker that takes much longer is killed, and one that does not even listen
   * or, where there is no limit, that does not say any more what it is busy with.
   */
  drainTimeoutMs: number;
  /** Asks the worker for a sign of life. */
  answers: (state: WorkerState) => Promise<boolean>;
}

/** Has a worker take no more connections, and end when its requests have. */
export function drainWorker(state: WorkerState, { gently, drainTimeoutMs, answers }: DrainOptions): void {
  state.draining = true;
  sendToWorker(state, { type: "drain", gently });
  // One that never listened has nothing to wait for.
  const hasConnections = state.listeningMs !== undefined;
  if (hasConnections && drainTimeoutMs === 0) {
    killWhenSilent(state, answers);
    return;
  }
  const killAfterMs = hasConnections
    ? (gently ? GENTLE_MS : 0) + drainTimeoutMs + DRAIN_KILL_MS
    : DRAIN_KILL_MS;
  setTimeout(() => kill(state), killAfterMs).unref();
}

function killWhenSilent(state: WorkerState, answers: DrainOptions["answers"]): void {
  let silent = 0;
  const ask = async (): Promise<void> => {
    if (state.worker.isDead()) return;
    silent = (await answers(state)) ? 0 : silent + 1;
    if (silent >= SILENT_ASKS) kill(state);
    else askLater();
  };
  const askLater = (): void => void setTimeout(() => void ask(), ASK_EVERY_MS).unref();
  askLater();
}

function kill({ worker }: WorkerState): void {
  worker.process.kill("SIGKILL");
}
