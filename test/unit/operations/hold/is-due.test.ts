import { describe, expect, it } from "vitest";
import { stateOfDuty } from "../../../../src/operations/hold/is-due.ts";
import type { Duty } from "../../../../src/state/duty.ts";

const machine = {
  ...{ host: "one", bootId: "boot", pidNamespace: "space", pid: 1 },
  isAlive: (pid: number) => pid === 12,
  startOf: () => "100",
};
const holder = { host: "one", bootId: "boot", pidNamespace: "space", pid: 12, processStart: "100" };
const nowMs = Date.parse("2026-01-02T03:04:05Z");

function duty(parts: Pick<Duty, "holder" | "until">): Duty {
  return {
    ...{ schemaVersion: 1, id: "1", reason: "", by: "", store: "", madeAt: "2026-01-01T00:00:00Z" },
    ...{ place: { cwd: "/", envFrom: [], addresses: [] }, undo: { kind: "nodes", request: "1" } },
    ...parts,
  };
}

describe("stateOfDuty", () => {
  it.each([
    ["running while its process lives", { holder }, "running"],
    ["due when its process has died", { holder: { ...holder, pid: 13 } }, "due"],
    ["due when its number belongs to another process", { holder: { ...holder, processStart: "99" } }, "due"],
    ["due after a reboot", { holder: { ...holder, bootId: "earlier" } }, "due"],
    [
      "unknown for a process of another container",
      { holder: { ...holder, pidNamespace: "other" } },
      "unknown",
    ],
    [
      "unknown for a process of another host",
      { holder: { ...holder, host: "two", bootId: "other" } },
      "unknown",
    ],
    ["due at its time", { until: "2026-01-02T03:04:05Z" }, "due"],
    ["due at its time although its process lives", { holder, until: "2026-01-02T03:04:04Z" }, "due"],
    ["running before its time", { until: "2026-01-02T03:04:06Z" }, "running"],
    ["kept where it has neither", {}, "kept"],
  ] as const)("is %s", (_, parts, state) => {
    expect(stateOfDuty(duty(parts), machine, nowMs)).toBe(state);
  });
});
