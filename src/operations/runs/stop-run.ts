import { CancelledError, RegistryCtlError, RegistryStateError } from "../../errors.ts";
import type { RunHistory } from "../../state/run-history.ts";
import type { RunIdentity, RunResult, RunStatus } from "../../state/run-record.ts";
import { removeStopRequest, requestStop } from "../../state/run-stop-request.ts";
import { readStoreLock, type StoreLockRecord } from "../../state/store-lock.ts";
import type { StorageDriver } from "../../storage/driver.ts";
import { ReadOnlyStoreError } from "../../storage/errors.ts";
import { isLockHeld, isLockOf, livenessOf, type Machine } from "./run-liveness.ts";

/** How often it is looked whether the run has ended. */
const LOOK_EVERY_MS = 250;
/** A run writes its result when it has given the lock back; longer than this it is not waited for. */
const RESULT_WAIT_MS = 5000;

/** What stopping a run works with. */
export interface StopDependencies {
  driver: StorageDriver;
  machine: Machine & {
    /** Tells whether the process is a collection of ours; undefined if the system does not say. */
    isCollection: (pid: number) => boolean | undefined;
    /** Asks a process to end. @returns false if that is not possible */
    terminate: (pid: number) => boolean;
  };
  /** What the state folders tell. */
  readHistory: () => RunHistory;
  /** Asks our running server to end its collection. @returns false if it has none; undefined: no server runs */
  askServer?: (() => Promise<boolean>) | undefined;
  /** Our clock, in milliseconds since 1970. */
  nowMs: () => number;
  sleep: (ms: number) => Promise<void>;
}

/** Options of {@link stopRun}. */
export interface StopOptions {
  timeoutMs: number;
  signal?: AbortSignal | undefined;
  /** Called once the run has been asked. */
  onAsked?: ((run: StopTarget) => void) | undefined;
}

/** The run that is stopped, as far as it is known. */
export type StopTarget = Pick<RunIdentity, "host" | "pid" | "startedAt">;

/** What came of it; what `stop --json` prints. */
export interface StopReport {
  schemaVersion: 1;
  command: "garbage-collect stop";
  /** Nothing: there was no run to stop. */
  outcome: "stopped" | "nothing";
  run?: StopTarget;
  /** How it was asked: through the server that it works for, by a request in the store, or by a signal. */
  by?: "server" | "request" | "signal";
  /** What the run has left as its result, if that can be read. */
  result?: RunResult;
}

/**
 * Asks the collection that works on the store to stop, wherever it runs, and waits until it has ended. The request
 * lies in the store beside the lock; where it cannot be written, as on a full disk, a run on this machine gets a SIGTERM.
 *
 * @throws {RegistryCtlError} `ERR_STILL_RUNNING` if it has not ended in time; it stops later then
 * @throws {CancelledError} when `signal` is aborted; the run stops nevertheless
 */
export async function stopRun(dependencies: StopDependencies, options: StopOptions): Promise<StopReport> {
  const { driver, machine, nowMs } = dependencies;
  const lock = await readStoreLock(driver);
  const held = lock && isLockHeld(lock, machine, nowMs()) ? lock : undefined;
  const { run } = dependencies.readHistory();
  // A run without a lock: the store had no room for one when it began.
  const target = held ?? (run && livenessOf(run, machine) === "alive" ? run : undefined);
  if (!target) return { schemaVersion: 1, command: "garbage-collect stop", outcome: "nothing" };
  const by = await ask(dependencies, target, held, run);
  options.onAsked?.(target);
  await waitForEnd(dependencies, options, target, held);
  if (held && by === "request") await removeStopRequest(driver, held.token).catch(() => {});
  const result = await resultOf(dependencies, target);
  const { host, pid, startedAt } = target;
  return {
    schemaVersion: 1,
    command: "garbage-collect stop",
    outcome: "stopped",
    run: { host, pid, startedAt },
    by,
    ...(result ? { result } : {}),
  };
}

async function ask(
  { driver, machine, nowMs, askServer }: StopDependencies,
  target: StoreLockRecord | RunStatus,
  held: StoreLockRecord | undefined,
  run: RunStatus | undefined,
): Promise<"server" | "request" | "signal"> {
  let problem: unknown;
  try {
    if (await askServer?.()) return "server";
  } catch (error) {
    problem = error;
  }
  if (held) {
    try {
      await requestStop(driver, held.token, new Date(nowMs()));
      return "request";
    } catch (error) {
      // Who wants nothing to be written wants nothing to be stopped.
      if (error instanceof ReadOnlyStoreError) throw error;
      problem = error;
    }
  }
  const isHere = livenessOf(target, machine) === "alive";
  const isKnown = run !== undefined && run.pid === target.pid && livenessOf(run, machine) === "alive";
  if (isHere && (isKnown || machine.isCollection(target.pid) === true) && machine.terminate(target.pid))
    return "signal";
  const reason = problem instanceof Error ? `: ${problem.message}` : "";
  throw new RegistryStateError(
    `the run cannot be asked to stop: process ${target.pid} on ${target.host}${reason}`,
    { cause: problem, hint: `on ${target.host}, as root or as its user: kill -TERM ${target.pid}` },
  );
}

async function waitForEnd(
  { driver, machine, nowMs, sleep }: StopDependencies,
  { timeoutMs, signal }: StopOptions,
  target: StoreLockRecord | RunStatus,
  held: StoreLockRecord | undefined,
): Promise<void> {
  const { host, pid } = target;
  for (let waitedMs = 0; ; waitedMs += LOOK_EVERY_MS) {
    if (livenessOf(target, machine) === "dead") return;
    if (held) {
      const lock = await readStoreLock(driver);
      if (lock?.token !== held.token || !isLockHeld(lock, machine, nowMs())) return;
    }
    if (signal?.aborted) {
      throw new CancelledError("not waited for any longer", {
        hint: "the run has been asked and stops nevertheless; see garbage-collect status",
      });
    }
    if (waitedMs >= timeoutMs) {
      throw new RegistryCtlError(
        "ERR_STILL_RUNNING",
        `process ${pid} on ${host} has been asked to stop, but is still at work after ${timeoutMs / 1000} seconds`,
        { hint: "it stops after its batch; see garbage-collect status, or wait longer with --timeout" },
      );
    }
    await sleep(LOOK_EVERY_MS);
  }
}

async function resultOf(
  { machine, readHistory, sleep }: StopDependencies,
  target: StoreLockRecord | RunStatus,
): Promise<RunResult | undefined> {
  for (let waitedMs = 0; ; waitedMs += LOOK_EVERY_MS) {
    // Looked at first: what a process that is gone by now has written is there.
    const isDead = livenessOf(target, machine) !== "alive";
    const { last, unread } = readHistory();
    if (last && isResultOf(last, target)) return last;
    if (isDead || unread.length > 0 || waitedMs >= RESULT_WAIT_MS) return undefined;
    await sleep(LOOK_EVERY_MS);
  }
}

/** A process makes one run in its life; but another one may have had its number. */
function isResultOf(result: RunResult, target: StoreLockRecord | RunStatus): boolean {
  if (!("token" in target)) return result.id === target.id;
  return isLockOf(target, result) && Date.parse(result.endedAt) >= Date.parse(target.startedAt);
}
