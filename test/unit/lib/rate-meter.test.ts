import { describe, expect, it } from "vitest";
import { RateMeter } from "../../../src/lib/rate-meter.ts";

describe("RateMeter", () => {
  it("tells nothing before there is a second to measure", () => {
    const meter = new RateMeter();
    expect(meter.perSecond(0, 0)).toBeUndefined();
    meter.sample(0, 0);
    expect(meter.perSecond(999, 500)).toBeUndefined();
    expect(meter.perSecond(1000, 500)).toBe(500);
  });

  it("follows the last twenty seconds, not the whole run", () => {
    const meter = new RateMeter();
    for (let second = 0; second <= 60; second++) meter.sample(second * 1000, second * 1000);
    for (let second = 61; second <= 90; second++) meter.sample(second * 1000, 60_000 + (second - 60) * 10);
    expect(meter.perSecond(90_000, 60_300)).toBeCloseTo(10);
  });

  it("falls to nothing when nothing moves", () => {
    const meter = new RateMeter();
    for (let second = 0; second <= 30; second++) meter.sample(second * 1000, Math.min(second, 5) * 100);
    expect(meter.perSecond(30_000, 500)).toBe(0);
  });

  it("begins anew when the count does", () => {
    const meter = new RateMeter();
    meter.sample(0, 5000);
    meter.sample(10_000, 10);
    expect(meter.perSecond(11_000, 110)).toBe(100);
  });
});
