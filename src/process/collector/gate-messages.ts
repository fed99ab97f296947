/** What a collector asks of the barrier of the server that started it. */
export type GateQuestion =
  | { type: "gate-begin"; id: number }
  | { type: "gate-condemn"; id: number; slice: number; keys: string[] }
  | { type: "gate-conclude"; id: number; slice: number; undecided?: { keys: string[]; untilMs: number } };

/** What it is answered. */
export type GateAnswer =
  | { type: "gate-answer"; id: number; needed: string[] }
  | { type: "gate-refused"; id: number; isLost: boolean; message: string; hint?: string };

/** @returns undefined if it is something else: others speak over the same channel */
export function parseGateQuestion(value: unknown): GateQuestion | undefined {
  return isMessage(value, ["gate-begin", "gate-condemn", "gate-conclude"])
    ? (value as GateQuestion)
    : undefined;
}

/** As {@link parseGateQuestion}. */
export function parseGateAnswer(value: unknown): GateAnswer | undefined {
  return isMessage(value, ["gate-answer", "gate-refused"]) ? (value as GateAnswer) : undefined;
}

function isMessage(value: unknown, types: readonly string[]): boolean {
  if (typeof value !== "object" || value === null || !("type" in value) || !("id" in value)) return false;
  return typeof value.type === "string" && types.includes(value.type);
}
