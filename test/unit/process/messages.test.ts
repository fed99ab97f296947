import { describe, expect, it } from "vitest";
import { parseSupervisorMessage, parseWorkerMessage } from "../../../src/process/messages.ts";

describe("messages between processes", () => {
  it("pass if they are whole", () => {
    const question = { type: "pin-question", id: 1, keys: ["a"] };
    expect(parseWorkerMessage(question)).toBe(question);
    expect(parseSupervisorMessage({ type: "drain" })).toEqual({ type: "drain" });
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
    expect(() => parseWorkerMessage({ type: "drain" })).toThrow();
    expect(() => parseSupervisorMessage({ type: "booted" })).toThrow();
  });
});
