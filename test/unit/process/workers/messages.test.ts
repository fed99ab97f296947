import { describe, expect, it } from "vitest";
import { parseSupervisorMessage, parseWorkerMessage } from "../../../../src/process/workers/messages.ts";

describe("messages between processes", () => {
  it("pass if they are whole", () => {
    const question = { type: "pin-question", id: 1, keys: ["a"] };
    expect(parseWorkerMessage(question)).toBe(question);
    const drain = { type: "drain", gently: true };
    expect(parseSupervisorMessage(drain)).toBe(drain);
  });

  it.each([
    undefined,
    "drain",
    {},
    { type: 1 },
    { type: "nonsense" },
    { type: "toString" },
    { type: "upload-acquire", id: 1 },
  ])("are refused as %j", (value) => {
    expect(() => parseWorkerMessage(value)).toThrow("a message between processes");
    expect(() => parseSupervisorMessage(value)).toThrow("a message between processes");
  });

  it("are refused by the end that sends them", () => {
    expect(() => parseWorkerMessage({ type: "drain", gently: true })).toThrow();
    expect(() => parseSupervisorMessage({ type: "booted" })).toThrow();
  });
});
