import { beforeEach, describe, expect, it } from "vitest";
import { SlowFailures } from "../../../../src/server/auth/slow-failures.ts";

let now: number;
let failures: SlowFailures;

beforeEach(() => {
  now = 1_000;
  failures = new SlowFailures({
    free: 2,
    firstMs: 100,
    maxMs: 1_000,
    forgetMs: 10_000,
    maxKeys: 3,
    nowMs: () => now,
  });
});

function fail(key: string, times: number): void {
  for (let count = 0; count < times; count++) failures.failed(key);
}

describe("SlowFailures", () => {
  it("lets some failures pass, then doubles the wait up to a limit", () => {
    const waits = Array.from({ length: 9 }, () => {
      failures.failed("a");
      return failures.waitMs("a");
    });
    expect(waits).toEqual([0, 0, 100, 200, 400, 800, 1_000, 1_000, 1_000]);
  });

  it("keeps nobody else waiting", () => {
    fail("a", 9);
    expect(failures.waitMs("b")).toBe(0);
  });

  it("lets the key try again when its wait is over", () => {
    fail("a", 4);
    now += 199;
    expect(failures.waitMs("a")).toBe(1);
    now += 1;
    expect(failures.waitMs("a")).toBe(0);
    failures.failed("a");
    expect(failures.waitMs("a")).toBe(400);
  });

  it("forgets after a while, and when told to", () => {
    fail("a", 5);
    fail("b", 5);
    failures.forgive("b");
    expect(failures.waitMs("b")).toBe(0);
    now += 10_001;
    failures.failed("a");
    expect(failures.waitMs("a")).toBe(0);
  });

  it("remembers a bounded number of keys: those that failed last", () => {
    for (const key of ["a", "b", "c", "d"]) fail(key, 3);
    expect(["a", "b", "c", "d"].map((key) => failures.waitMs(key))).toEqual([0, 100, 100, 100]);
  });

  it("does not overflow", () => {
    fail("a", 5_000);
    expect(failures.waitMs("a")).toBe(1_000);
  });
});
