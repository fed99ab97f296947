import { describe, expect, it } from "vitest";
import { collectionSettingsOf } from "../../../src/config/gc-settings.ts";
import type { ConfigValue } from "../../../src/config/schema/key-types.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

function settings(written: Record<string, ConfigValue>) {
  const said: string[] = [];
  const made = collectionSettingsOf({
    value: (name) => written[name],
    say: (kind, name, message) => void said.push(`${kind} ${name} ${message}`),
  });
  return { ...made, said };
}

describe("gc", () => {
  it("makes the server collect by itself only where disabled: false is written", () => {
    expect(settings({}).continuous).toBeUndefined();
    expect(settings({ reviewafter: HOUR_MS }).continuous).toBeUndefined();
    expect(settings({ disabled: true }).continuous).toBeUndefined();
    expect(settings({ disabled: false })).toEqual({
      reviewAfterMs: 24 * HOUR_MS,
      continuous: { intervalMs: 24 * HOUR_MS, deleteUntagged: true, window: undefined, maxOpsPerSecond: 0 },
      said: [],
    });
  });

  it("says that keys are of no effect that make nothing happen", () => {
    expect(settings({ interval: HOUR_MS }).said).toEqual([
      "problem interval is of no effect without gc.disabled: false",
    ]);
    expect(settings({ interval: HOUR_MS, disabled: true }).said).toEqual([]);
  });

  it("leaves untagged manifests alone, or everything, where the file wants that", () => {
    expect(settings({ disabled: false, "manifests.disabled": true }).continuous?.deleteUntagged).toBe(false);
    expect(settings({ disabled: false, "blobs.disabled": true }).continuous).toBeUndefined();
  });

  it.each([
    [-1e-6, 0],
    [0, 24 * HOUR_MS],
    [90_000, 90_000],
  ])("takes a reviewafter of %s ms for %s", (written, ms) => {
    expect(settings({ reviewafter: written }).reviewAfterMs).toBe(ms);
  });

  it("looks at the whole store in intervals that a store can bear", () => {
    const interval = (written: Record<string, ConfigValue>) => {
      const { continuous, said } = settings({ disabled: false, ...written });
      return [continuous?.intervalMs, said.length];
    };
    expect(interval({ interval: 5 * MINUTE_MS })).toEqual([5 * MINUTE_MS, 0]);
    expect(interval({ interval: 500 })).toEqual([MINUTE_MS, 1]);
    expect(interval({ "blobs.interval": 5000, "manifests.interval": 2 * HOUR_MS })).toEqual([HOUR_MS, 0]);
    expect(interval({ "manifests.interval": 2 * HOUR_MS })).toEqual([2 * HOUR_MS, 0]);
    expect(interval({ interval: 5 * MINUTE_MS, "blobs.interval": 5000 })).toEqual([5 * MINUTE_MS, 0]);
  });

  it.each([
    ["22:00-06:00", { fromMinute: 22 * 60, toMinute: 6 * 60 }],
    ["1:30 - 2:15", { fromMinute: 90, toMinute: 135 }],
    ["06:00-06:00", undefined],
    ["", undefined],
  ])("understands the window %s", (window, expected) => {
    const { continuous, said } = settings({ disabled: false, window });
    expect([continuous?.window, said]).toEqual([expected, []]);
  });

  it.each(["22:00", "22:00-25:00", "nights", "1:00-2:00-3:00"])("refuses the window %s", (window) => {
    expect(settings({ disabled: false, window }).said).toEqual([
      expect.stringMatching(/^fatal window must be two times/),
    ]);
  });

  it("refuses a negative rate", () => {
    expect(settings({ disabled: false, maxops: -1 }).said).toEqual(["fatal maxops must not be negative"]);
    expect(settings({ disabled: false, maxops: 2.5 }).continuous?.maxOpsPerSecond).toBe(2.5);
  });
});
