import type { Duty } from "../../state/duty.ts";
import { livenessOf, type Machine } from "../runs/run-liveness.ts";

/**
 * What is to be done about a duty. `unknown`: it is bound to a process of which nothing can be told from here, such as one
 * of another container.
 */
export type DutyState = "due" | "running" | "kept" | "unknown";

/**
 * @returns due when its time is over or its process has ended, also by a reboot; kept if it lasts until somebody takes it
 *   back
 */
export function stateOfDuty({ until, holder }: Duty, machine: Machine, nowMs: number): DutyState {
  if (until !== undefined && Date.parse(until) <= nowMs) return "due";
  if (holder === undefined) return until === undefined ? "kept" : "running";
  const isFromBefore = holder.host === machine.host && holder.bootId !== machine.bootId;
  if (isFromBefore) return "due";
  switch (livenessOf(holder, machine)) {
    case "dead":
      return "due";
    case "alive":
      return "running";
    case "unknown":
      return "unknown";
  }
}
