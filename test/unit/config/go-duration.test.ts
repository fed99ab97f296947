import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatGoDuration, parseGoDuration } from "../../../src/config/go-duration.ts";

describe("parseGoDuration", () => {
  it.each([
    ["0", 0],
    ["1h30m", 5_400_000],
    ["500ms", 500],
    ["1.5s", 1500],
    [".5s", 500],
    ["-2m", -120_000],
    ["+1s", 1000],
    ["168h", 604_800_000],
    ["1m0.5s", 60_500],
    ["1us", 0.001],
    ["1µs", 0.001],
    ["1h1h", 7_200_000],
  ])("reads %s", (text, expected) => {
    expect(parseGoDuration(text)).toBeCloseTo(expected, 9);
  });

  it.each(["", "1", "s", "1d", "1 s", "1h ", "1hm", "-", "+", "1e3s", ".s", "1..s", "9999999999h", "1H"])(
    "does not take %j",
    (text) => {
      expect(parseGoDuration(text)).toBeUndefined();
    },
  );

  it("reads back whatever is written", () => {
    fc.assert(
      fc.property(fc.integer({ min: -1e12, max: 1e12 }), (milliseconds) => {
        expect(parseGoDuration(formatGoDuration(milliseconds))).toBe(milliseconds);
      }),
    );
  });
});

describe("formatGoDuration", () => {
  it.each([
    [0, "0s"],
    [0.0005, "500ns"],
    [0.5, "500µs"],
    [500, "500ms"],
    [90_000, "1m30s"],
    [604_800_000, "168h0m0s"],
    [-1500, "-1.5s"],
  ])("writes %s as Go does", (milliseconds, expected) => {
    expect(formatGoDuration(milliseconds)).toBe(expected);
  });
});
