import { describe, expect, it } from "vitest";
import { RespawnPolicy } from "../../../../src/process/workers/respawn-policy.ts";

describe("RespawnPolicy", () => {
  it("replaces a worker that had served at once, however often", () => {
    const policy = new RespawnPolicy(() => 100_000);
    for (let death = 0; death < 20; death++) expect(policy.delayAfterDeath(0, 50_000)).toBe(0);
    expect(policy.isHopeless).toBe(false);
  });

  it("waits longer and longer for workers that die at once, and gives up in the end", () => {
    const policy = new RespawnPolicy(() => 100_000);
    const delays = Array.from({ length: 5 }, () => {
      expect(policy.isHopeless).toBe(false);
      return policy.delayAfterDeath(99_000, undefined);
    });
    expect(delays).toEqual([100, 200, 400, 800, 1600]);
    expect(policy.isHopeless).toBe(true);
    for (let death = 0; death < 20; death++) policy.delayAfterDeath(99_000, 99_500);
    expect(policy.delayAfterDeath(99_000, undefined)).toBe(10_000);
  });

  it("has hope again when one has served", () => {
    const policy = new RespawnPolicy(() => 100_000);
    for (let death = 0; death < 4; death++) policy.delayAfterDeath(99_000, 99_500);
    policy.delayAfterDeath(0, 1_000);
    expect(policy.delayAfterDeath(99_000, undefined)).toBe(100);
  });
});
