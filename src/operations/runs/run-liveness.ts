import type { RunIdentity } from "../../state/run-record.ts";
import type { LockHolder, StoreLockRecord } from "../../state/store-lock.ts";

/** Clocks of two hosts may differ by so much. */
const SKEW_MS = 5 * 60_000;

/** This machine, as far as runs on it can be told apart. */
export interface Machine extends LockHolder {
  /** @returns a text that is another one for each process that ever had this number since the machine started */
  startOf: (pid: number) => string | undefined;
}

/** Whether a process lives, as far as can be told from here. */
export type Liveness = "alive" | "dead" | "unknown";

/** @returns unknown for a process of another machine, container or boot of which nothing can be told */
export function livenessOf(
  worker: Pick<RunIdentity, "host" | "bootId" | "pidNamespace" | "pid" | "processStart">,
  machine: Machine,
): Liveness {
  const isHere = worker.bootId === machine.bootId && worker.pidNamespace === machine.pidNamespace;
  if (!isHere || (machine.bootId === "" && worker.host !== machine.host)) return "unknown";
  if (!machine.isAlive(worker.pid)) return "dead";
  const start = machine.startOf(worker.pid);
  const isAnother = start !== undefined && worker.processStart !== undefined && start !== worker.processStart;
  return isAnother ? "dead" : "alive";
}

/** Tells whether a lock keeps others out: its holder lives or, where that cannot be told, its lease runs. */
export function isLockHeld(lock: StoreLockRecord, machine: Machine, nowMs: number): boolean {
  const liveness = livenessOf(lock, machine);
  if (liveness === "dead") return false;
  return liveness === "alive" || Date.parse(lock.leaseUntil) + SKEW_MS >= nowMs;
}

/** Tells whether the lock is that of a run. */
export function isLockOf(lock: StoreLockRecord, run: RunIdentity): boolean {
  return (
    lock.pid === run.pid &&
    lock.host === run.host &&
    lock.bootId === run.bootId &&
    lock.pidNamespace === run.pidNamespace
  );
}
