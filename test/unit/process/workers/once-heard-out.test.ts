import { EventEmitter } from "node:events";
import { describe, expect, it } from "vitest";
import { onceHeardOut } from "../../../../src/process/workers/once-heard-out.ts";

describe("onceHeardOut", () => {
  it("waits for the end of the process and of its channel, in whatever order", () => {
    for (const [first, second] of [
      ["exit", "disconnect"],
      ["disconnect", "exit"],
    ] as const) {
      const child = new EventEmitter();
      let calls = 0;
      onceHeardOut(child, () => calls++);
      child.emit(first);
      child.emit(first);
      expect(calls).toBe(0);
      child.emit(second);
      child.emit(second);
      expect(calls).toBe(1);
    }
  });
});
