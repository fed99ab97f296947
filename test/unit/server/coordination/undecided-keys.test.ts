import { beforeEach, describe, expect, it } from "vitest";
import { ApiError } from "../../../../src/server/api-error.ts";
import { UndecidedKeys } from "../../../../src/server/coordination/undecided-keys.ts";

const TAG = "app:v1";

describe("UndecidedKeys", () => {
  let nowMs: number;
  let undecided: UndecidedKeys;

  beforeEach(() => {
    nowMs = 0;
    undecided = new UndecidedKeys(() => nowMs);
  });

  it("refuses what may still be removed, whatever is done with it, but to remove it again", () => {
    undecided.add({ keys: [TAG], forMs: 1000 });
    expect(() => undecided.check([TAG])).toThrow(ApiError);
    expect(() => undecided.check(["other", TAG], "one")).toThrow(ApiError);
    undecided.check(["other"]);
    undecided.checkRemoval([TAG]);
  });

  it("refuses other writes of what may still be written, and its removal, but not to rely on it", () => {
    undecided.add({ keys: [TAG], forMs: 1000, content: "one" });
    expect(() => undecided.check([TAG], "two")).toThrow(ApiError);
    expect(() => undecided.checkRemoval([TAG])).toThrow(ApiError);
    undecided.check([TAG], "one");
    undecided.check([TAG]);
  });

  it("refuses every write where two contents may come late", () => {
    undecided.add({ keys: [TAG], forMs: 1000, content: "one" });
    undecided.add({ keys: [TAG], forMs: 1000, content: "two" });
    for (const content of ["one", "two"]) expect(() => undecided.check([TAG], content)).toThrow(ApiError);
  });

  it("tells the time that is left until nothing can come any more, and forgets then", () => {
    undecided.add({ keys: [TAG], forMs: 90_000, content: "one" });
    undecided.add({ keys: [TAG], forMs: 30_000, content: "two" });
    nowMs = 500;
    // What is shorter does not shorten it.
    undecided.add({ keys: [TAG], forMs: 1000, content: "one" });
    expect(caught(() => undecided.check([TAG], "three"))).toMatchObject({ headers: { "Retry-After": "90" } });
    expect(caught(() => undecided.check([TAG], "one"))).toMatchObject({ headers: { "Retry-After": "30" } });
    nowMs = 30_000;
    undecided.check([TAG], "one");
    nowMs = 90_000;
    undecided.check([TAG], "three");
  });
});

function caught(run: () => void): unknown {
  try {
    run();
  } catch (error) {
    return error;
  }
  throw new Error("nothing was thrown");
}
