import type { ServerStatus } from "../../control/protocol.ts";
import { messageOf } from "../../lib/message-of.ts";
import { formatSpan } from "../../lib/spans-of-time.ts";
import type { RunHistory } from "../../state/run-history.ts";
import type { RunResult, RunStatus } from "../../state/run-record.ts";
import { resultOfKilledRun } from "../../state/run-recorder.ts";
import { readStoreLock, type StoreLockRecord } from "../../state/store-lock.ts";
import type { StorageDriver } from "../../storage/driver.ts";
import { isLockHeld, isLockOf, livenessOf, type Machine } from "./run-liveness.ts";

const DAY_SECONDS = 86_400;
/** Without a success for so long, something is wrong although runs are made. */
const MAX_DAYS_WITHOUT_SUCCESS = 14;

/** What a look at the collections of one store works with. */
export interface LookDependencies {
  driver: StorageDriver;
  machine: Machine;
  /** What the state folders tell. */
  readHistory: () => RunHistory;
  /** What our running server says of the collection that works for it; undefined: no server runs. */
  askServer?: (() => Promise<ServerStatus["collection"]>) | undefined;
  /** Our clock, in milliseconds since 1970. */
  nowMs: () => number;
}

/** Who holds the store's lock, or held it when it died. */
export type LockHolding = Omit<StoreLockRecord, "token" | "bootId" | "pidNamespace"> & {
  /** false: the holder is dead or its lease is over; the next run breaks the lock. */
  isHeld: boolean;
};

/** What there is to know of the collections of one store; what `status --json` prints. */
export interface RunsReport {
  schemaVersion: 1;
  command: "garbage-collect status";
  /** Running: some process works on the store, here or elsewhere. Unknown: the store's lock cannot be read. */
  state: "running" | "idle" | "unknown";
  /** The last run failed or was killed and none has succeeded since, or none for 14 days although runs are made. */
  degraded: boolean;
  /** Why it is degraded. */
  reasons: string[];
  /** The run that is under way, as far as its state can be read. */
  run?: RunStatus;
  /** What a server says of the run, where its own state cannot be read. */
  server?: NonNullable<ServerStatus["collection"]>;
  lock?: LockHolding;
  last?: RunResult;
  lastSuccess?: RunResult;
  /** What could not be read, so that more may have happened than is told. */
  problems: string[];
}

/** Tells how far a collection of the store is and how the last ones ended. Changes nothing. */
export async function lookAtRuns(dependencies: LookDependencies): Promise<RunsReport> {
  const { driver, machine, nowMs } = dependencies;
  // The lock first: a run that ends in between has left its result when the history is read.
  const { lock, problem } = await lockOrProblem(driver);
  const isHeld = lock !== undefined && isLockHeld(lock, machine, nowMs());
  const isRunAlive = (run: RunStatus): boolean => isAlive(run, machine, isHeld ? lock : undefined);
  let history = dependencies.readHistory();
  // It may have ended since its file was read; whatever it has left is there now.
  if (history.run && !isRunAlive(history.run)) history = dependencies.readHistory();
  const { run } = history;
  const isRunning = run !== undefined && isRunAlive(run);
  const server = isRunning ? undefined : await dependencies.askServer?.().catch(() => undefined);
  const killed = run && !isRunning ? resultOfKilledRun(run) : undefined;
  const last = newer(killed, history.last);
  const { lastSuccess } = history;
  const reasons = reasonsOf(last, lastSuccess, nowMs());
  return {
    schemaVersion: 1,
    command: "garbage-collect status",
    state: isRunning || isHeld || server ? "running" : problem === undefined ? "idle" : "unknown",
    degraded: reasons.length > 0,
    reasons,
    ...(isRunning ? { run } : {}),
    ...(server ? { server } : {}),
    ...(lock ? { lock: holding(lock, isHeld) } : {}),
    ...(last ? { last } : {}),
    ...(lastSuccess ? { lastSuccess } : {}),
    problems: [
      ...history.unread.map(({ folder, problem }) => `the state in ${folder} cannot be read: ${problem}`),
      ...(problem === undefined ? [] : [`the store's lock cannot be read: ${problem}`]),
    ],
  };
}

/** Where a run cannot be seen from here, the lock in the store tells. */
function isAlive(run: RunStatus, machine: Machine, held: StoreLockRecord | undefined): boolean {
  const liveness = livenessOf(run, machine);
  return liveness === "alive" || (liveness === "unknown" && held !== undefined && isLockOf(held, run));
}

async function lockOrProblem(
  driver: StorageDriver,
): Promise<{ lock: StoreLockRecord | undefined; problem?: string }> {
  try {
    return { lock: await readStoreLock(driver) };
  } catch (error) {
    return { lock: undefined, problem: messageOf(error) };
  }
}

function reasonsOf(last: RunResult | undefined, success: RunResult | undefined, nowMs: number): string[] {
  const reasons: string[] = [];
  const isBad = last?.outcome === "failed" || last?.outcome === "killed";
  if (last && isBad && last.endedAt > (success?.endedAt ?? "")) {
    reasons.push(last.outcome === "killed" ? "the last run was killed" : "the last run failed");
  }
  const since = success?.endedAt ?? last?.withoutSuccessSince;
  if (since !== undefined) {
    const seconds = (nowMs - Date.parse(since)) / 1000;
    if (seconds > MAX_DAYS_WITHOUT_SUCCESS * DAY_SECONDS)
      reasons.push(`no run has succeeded for ${formatSpan(seconds)}`);
  }
  return reasons;
}

function newer(left: RunResult | undefined, right: RunResult | undefined): RunResult | undefined {
  if (!left || !right) return left ?? right;
  return left.endedAt >= right.endedAt ? left : right;
}

function holding(lock: StoreLockRecord, isHeld: boolean): LockHolding {
  const { host, pid, startedAt, leaseUntil } = lock;
  return { host, pid, startedAt, leaseUntil, isHeld };
}
