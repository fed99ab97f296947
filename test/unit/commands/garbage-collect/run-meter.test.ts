import { describe, expect, it } from "vitest";
import { renderProgress } from "../../../../src/commands/garbage-collect/render-progress.ts";
import { RunMeter } from "../../../../src/commands/garbage-collect/run-meter.ts";
import type { GarbageProgress } from "../../../../src/operations/gc/garbage-options.ts";

describe("RunMeter", () => {
  it("tells counts and rate where nobody knows how much there is", () => {
    const { meter, at } = meterWith(undefined);
    meter.note(reading(0));
    at(2000);
    meter.note(reading(500));
    expect(renderProgress(meter.progress())).toBe("reading manifests: 500, 250/s; safe to stop");
  });

  it("takes what the last run left for an estimate of what there is", () => {
    const { meter, at } = meterWith({ found: found(1200), deleted: deleted(200) });
    meter.note(reading(0));
    at(10_000);
    meter.note(reading(500));
    expect(meter.progress()).toEqual({
      phase: "reading manifests",
      done: 500,
      total: 1000,
      totalIsEstimate: true,
      percent: 50,
      ratePerSecond: 50,
      etaSeconds: 10,
    });
    expect(renderProgress(meter.progress())).toBe(
      "reading manifests: 500 of about 1000 (50%), 50/s, about 10 s left; safe to stop",
    );
  });

  it("lets the estimate go when there is more", () => {
    const { meter } = meterWith({ found: found(100) });
    meter.note(reading(101));
    expect(meter.progress()).toEqual({ phase: "reading manifests", done: 101, totalIsEstimate: false });
  });

  it("counts all deletions in one, through their phases", () => {
    const { meter, at } = meterWith(undefined);
    meter.note(deleting("manifests", 100));
    at(5000);
    meter.note(deleting("blobs", 600));
    expect(meter.progress()).toMatchObject({
      phase: "deleting blobs",
      done: 600,
      total: 1000,
      totalIsEstimate: false,
      percent: 60,
      ratePerSecond: 100,
      etaSeconds: 4,
    });
  });

  it("measures each other phase by itself", () => {
    const { meter, at } = meterWith(undefined);
    meter.note(reading(1_000_000));
    at(5000);
    meter.note({ step: "verify", progress: { phase: "repositories", done: 0, total: 10 } });
    expect(meter.progress().ratePerSecond).toBeUndefined();
    at(7000);
    meter.note({ step: "verify", progress: { phase: "repositories", done: 4, total: 10 } });
    expect(renderProgress(meter.progress())).toBe(
      "verifying repositories: 4 of 10 (40%), 2/s, about 3 s left; safe to stop",
    );
  });

  it("promises no end while nothing moves", () => {
    const { meter, at } = meterWith(undefined);
    meter.note(deleting("blobs", 0));
    at(30_000);
    expect(meter.progress().etaSeconds).toBeUndefined();
  });

  it("names a phase that counts nothing, and tells the time since the start", () => {
    const { meter, at } = meterWith(undefined);
    at(1500);
    meter.enter("waiting for an answer");
    expect(renderProgress(meter.progress())).toBe("waiting for an answer; safe to stop");
    expect(meter.seconds).toBe(1.5);
  });
});

function meterWith(last: ConstructorParameters<typeof RunMeter>[1]): {
  meter: RunMeter;
  at: (ms: number) => void;
} {
  let nowMs = 0;
  const meter = new RunMeter(() => nowMs, last);
  return {
    meter,
    at: (ms) => {
      nowMs = ms;
    },
  };
}

function reading(manifests: number): GarbageProgress {
  return { step: "plan", progress: { phase: "repositories", repositories: 1, manifests, blobs: 0 } };
}

function deleting(phase: "manifests" | "blobs", overallDone: number): GarbageProgress {
  return { step: "sweep", phase, done: 1, total: 2, overallDone, overallTotal: 1000 };
}

function found(manifests: number) {
  return { repositories: 1, tags: 1, manifests, blobs: 1, bytes: 1 };
}

function deleted(manifests: number) {
  return { blobs: 0, bytes: 0, manifests, layerLinks: 0, tagHistoryLinks: 0 };
}
