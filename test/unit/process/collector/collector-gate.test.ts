import { EventEmitter } from "node:events";
import { describe, expect, it } from "vitest";
import { RegistryStateError } from "../../../../src/errors.ts";
import { CollectorGate } from "../../../../src/process/collector/collector-gate.ts";
import type { GateQuestion } from "../../../../src/process/collector/gate-messages.ts";
import { RunLostError } from "../../../../src/registry/apply/run-lost-error.ts";

function openGate(): { gate: CollectorGate; sent: GateQuestion[]; channel: EventEmitter } {
  const channel = new EventEmitter();
  const sent: GateQuestion[] = [];
  const gate = new CollectorGate({
    send: (message) => void sent.push(message),
    onMessage: (listener) => void channel.on("message", listener),
    onClosed: (listener) => void channel.on("closed", listener),
  });
  return { gate, sent, channel };
}

describe("CollectorGate", () => {
  it("asks, and gives what was answered to the question with that number", async () => {
    const { gate, sent, channel } = openGate();
    const first = gate.condemn(1, ["a"]);
    const second = gate.condemn(2, ["b"]);
    expect(sent).toEqual([
      { type: "gate-condemn", id: 1, slice: 1, keys: ["a"] },
      { type: "gate-condemn", id: 2, slice: 2, keys: ["b"] },
    ]);
    channel.emit("message", { type: "gate-answer", id: 2, needed: ["b"] });
    channel.emit("message", { type: "collector-stop" });
    channel.emit("message", { type: "gate-answer", id: 1, needed: [] });
    expect([...(await first)]).toEqual([]);
    expect([...(await second)]).toEqual(["b"]);
  });

  it("says which refusal means to plan anew, and which to stop", async () => {
    const { gate, channel } = openGate();
    const lost = gate.condemn(1, ["a"]);
    channel.emit("message", { type: "gate-refused", id: 1, isLost: true, message: "gone" });
    await expect(lost).rejects.toThrow(RunLostError);
    const refused = gate.begin();
    channel.emit("message", { type: "gate-refused", id: 2, isLost: false, message: "silent", hint: "look" });
    await expect(refused).rejects.toMatchObject({ message: "silent", hint: "look" });
  });

  it("rejects what was asked, and all that will be, when the server is gone", async () => {
    const { gate, sent, channel } = openGate();
    const asked = gate.conclude(1, { keys: ["a"], untilMs: 5 });
    channel.emit("closed");
    await expect(asked).rejects.toThrow(RegistryStateError);
    await expect(gate.begin()).rejects.toThrow("nothing more is deleted");
    expect(sent).toEqual([
      { type: "gate-conclude", id: 1, slice: 1, undecided: { keys: ["a"], untilMs: 5 } },
    ]);
  });
});
