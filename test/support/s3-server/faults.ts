import { SeededRandom } from "../seeded-random.ts";
import type { Operation } from "./request.ts";

/**
 * What may go wrong with one request:
 * - `slow-down`: 503 `SlowDown`, without effect
 * - `internal-error`: 500 `InternalError`, without effect
 * - `reset-before`: the connection is cut without effect
 * - `reset-after`: the connection is cut when everything is done, so that the answer is lost
 * - `late`: the connection is cut; the effect comes when the test says so, see `S3Server.carryOutLate`
 * - `stalled`: done, but the answer never comes, and the connection stays
 * - `silent`: without effect; no answer ever comes, and the connection stays
 * - `cut-body`: done; half of the answer's body comes, then the connection is cut (without a body: `reset-after`)
 * - `truncated-xml`: done; the answer's XML ends in the middle, though HTTP says it is whole (no XML: `reset-after`)
 * - `error-in-200`: 200 with an error for a body, without effect (an operation that has no such answers: `internal-error`)
 * - `slow-body`: done; the answer's body comes in small pieces with pauses
 * - `failing-keys`: of a bulk delete about every third key fails by itself (others: `slow-down`)
 */
export type FaultKind =
  | "slow-down"
  | "internal-error"
  | "reset-before"
  | "reset-after"
  | "late"
  | "stalled"
  | "silent"
  | "cut-body"
  | "truncated-xml"
  | "error-in-200"
  | "slow-body"
  | "failing-keys";

/** All that a client gets over by itself, without waiting for a timeout. */
export const PASSING_FAULTS: readonly FaultKind[] = [
  ...(["slow-down", "internal-error", "reset-before", "reset-after", "cut-body"] as const),
  ...(["truncated-xml", "error-in-200", "slow-body", "failing-keys"] as const),
];

/** A request, as far as faults are chosen by it. */
export interface FaultQuestion {
  operation: Operation;
  bucket: string;
  key: string;
}

/** Asked once for each request whose signature holds. */
export type Faults = (question: FaultQuestion) => FaultKind | undefined;

/** Some requests of a kind that go wrong. */
export interface PlannedFault {
  fault: FaultKind;
  /** Default: any. */
  operation?: Operation;
  /** Default: any. */
  key?: RegExp;
  /** So many of them go well first; 0 by default. */
  after?: number;
  /** So many go wrong then; 1 by default. */
  times?: number;
}

/** Faults that come at known places, each as often as it is planned; the first that fits is taken. */
export function faultsByPlan(plan: readonly PlannedFault[]): Faults {
  const states = plan.map((planned) => ({ planned, seen: 0 }));
  return ({ operation, key }) => {
    for (const state of states) {
      const { planned } = state;
      if (planned.operation !== undefined && planned.operation !== operation) continue;
      if (planned.key !== undefined && !planned.key.test(key)) continue;
      state.seen += 1;
      const after = planned.after ?? 0;
      if (state.seen > after && state.seen <= after + (planned.times ?? 1)) return planned.fault;
    }
    return undefined;
  };
}

/** How faults are drawn. */
export interface RandomFaults {
  /** 0 to 1. */
  probability: number;
  kinds?: readonly FaultKind[];
  /** So often in a row the same operation on the same key goes wrong at the most, so that retries end; 2 by default. */
  maxInARow?: number;
}

/** Faults that look random; the same for the same seed and the same requests in the same order. */
export function faultsBySeed(seed: number, options: RandomFaults): Faults {
  const { probability, kinds = PASSING_FAULTS, maxInARow = 2 } = options;
  const random = new SeededRandom(seed);
  const rows = new Map<string, number>();
  return ({ operation, bucket, key }) => {
    const name = `${operation} ${bucket} ${key}`;
    const row = rows.get(name) ?? 0;
    const isWrong = random.chance(probability) && row < maxInARow;
    if (!isWrong) {
      rows.delete(name);
      return undefined;
    }
    rows.set(name, row + 1);
    return random.pick(kinds);
  };
}
