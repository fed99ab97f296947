import { describe, expect, test } from "vitest";
import { CancelledError } from "../../../src/errors.ts";
import { ByteRate } from "../../../src/lib/byte-rate.ts";

describe("ByteRate", () => {
  test("lets several streams together move no more than the rate, but for a short burst", async () => {
    const clock = new Clock();
    const rate = new ByteRate(1000, clock.now, clock.sleep);
    for (let second = 0; second < 20; second++) await Promise.all([rate.spend(250), rate.spend(250)]);
    expect(clock.nowMs).toBeGreaterThanOrEqual(9_700);
    expect(clock.nowMs).toBeLessThanOrEqual(10_000);
  });

  test("does not make up for a long pause", async () => {
    const clock = new Clock();
    const rate = new ByteRate(1000, clock.now, clock.sleep);
    await rate.spend(1000);
    clock.nowMs += 60_000;
    const before = clock.nowMs;
    await rate.spend(2000);
    expect(clock.nowMs - before).toBe(1750);
  });

  test("ends a wait when it is cancelled", async () => {
    const rate = new ByteRate(1);
    const abort = new AbortController();
    const waiting = rate.spend(1000, abort.signal);
    abort.abort();
    await expect(waiting).rejects.toThrow(CancelledError);
  });
});

class Clock {
  nowMs = 0;
  readonly now = (): number => this.nowMs;
  readonly sleep = async (delayMs: number): Promise<void> => {
    const end = this.nowMs + delayMs;
    await Promise.resolve();
    this.nowMs = Math.max(this.nowMs, end);
  };
}
