import { describe, expect, it } from "vitest";
import { parseTime } from "../../../../src/commands/history/parse-time.ts";

const nowMs = Date.UTC(2026, 10, 21, 12);

describe("parseTime", () => {
  it.each([
    ["2026-11-20", Date.UTC(2026, 10, 20)],
    ["2026-11-20T16:30", Date.UTC(2026, 10, 20, 16, 30)],
    ["2026-11-20 16:30:05", Date.UTC(2026, 10, 20, 16, 30, 5)],
    ["2026-11-20T16:30:05.5Z", Date.UTC(2026, 10, 20, 16, 30, 5, 500)],
    ["2026-11-20T16:30+02:00", Date.UTC(2026, 10, 20, 14, 30)],
    ["1d", nowMs - 86_400_000],
    ["90m", nowMs - 5_400_000],
  ])("understands %s", (text, expected) => expect(parseTime(text, nowMs)).toBe(expected));

  it.each(["", "yesterday", "2026-11-20T25:00", "16:30", "-1h", "7", "99999999999d"])("refuses %j", (text) =>
    expect(() => parseTime(text, nowMs)).toThrow("It is a time such as"),
  );

  it.each(["2026-13-01", "2026-02-29", "2026-02-30T12:00", "2026-04-31", "2026-00-10"])(
    "refuses %s, which no calendar has",
    (text) => expect(() => parseTime(text, nowMs)).toThrow("no such day"),
  );

  it("knows leap years", () => expect(parseTime("2028-02-29", nowMs)).toBe(Date.UTC(2028, 1, 29)));
});
