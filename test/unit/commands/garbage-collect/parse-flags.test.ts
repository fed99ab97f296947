import { describe, expect, it } from "vitest";
import {
  parseAge,
  parseConcurrency,
  parsePercent,
  parseTimeout,
  parseUntil,
} from "../../../../src/commands/garbage-collect/parse-flags.ts";

describe("flags of garbage-collect", () => {
  it.each([
    ["7d", 7 * 86_400_000],
    ["1.5d", 1.5 * 86_400_000],
    ["1d12h", 1.5 * 86_400_000],
    ["90m", 90 * 60_000],
    ["0s", 0],
    ["0", 0],
  ])("reads the time %s", (text, expected) => {
    expect(parseAge(text)).toBe(expected);
  });

  it.each(["7", "-1h", "d", "", "1d2", "week"])("refuses the time %j", (text) => {
    expect(() => parseAge(text)).toThrow("It is a time");
  });

  it("reads per cent with and without sign", () => {
    expect([parsePercent("30%"), parsePercent("0.5"), parsePercent("100%")]).toEqual([30, 0.5, 100]);
    for (const text of ["101%", "-1", "", "many"]) expect(() => parsePercent(text)).toThrow("per cent");
  });

  it("reads a count from 1 on", () => {
    expect(parseConcurrency("8")).toBe(8);
    for (const text of ["0", "-1", "1.5", "x"])
      expect(() => parseConcurrency(text)).toThrow("It is a number");
  });

  it("reads a time of the day", () => {
    expect(parseUntil("7:05")).toEqual({ hour: 7, minute: 5 });
    for (const text of ["25:00", "7", "", "soon"]) expect(() => parseUntil(text)).toThrow("time of the day");
  });

  it("reads how long to wait, in seconds if there is no unit", () => {
    expect([parseTimeout("90"), parseTimeout("5m"), parseTimeout("0")]).toEqual([90_000, 300_000, 0]);
    for (const text of ["-1s", "", "long", "99999999999999999999"])
      expect(() => parseTimeout(text)).toThrow("It is a time");
  });
});
