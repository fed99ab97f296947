import { afterEach, describe, expect, it, vi } from "vitest";
import { nextTimeOfDay, parseTimeOfDay } from "../../../src/lib/time-of-day.ts";

describe("parseTimeOfDay", () => {
  it.each([
    ["07:00", { hour: 7, minute: 0 }],
    ["7:00", { hour: 7, minute: 0 }],
    ["23:59", { hour: 23, minute: 59 }],
    ["00:00", { hour: 0, minute: 0 }],
    ["24:00", { hour: 0, minute: 0 }],
  ])("reads %s", (text, time) => {
    expect(parseTimeOfDay(text)).toEqual(time);
  });

  it.each(["", "7", "24:01", "25:00", "12:60", "12:5", "-1:00", "12:00:00", "7:00pm", " 7:00", "１２:00"])(
    "does not take %j for a time",
    (text) => {
      expect(parseTimeOfDay(text)).toBeUndefined();
    },
  );
});

describe("nextTimeOfDay", () => {
  afterEach(() => void vi.unstubAllEnvs());

  /** Local time of `hour:minute` next after the local time `now`. */
  function next(now: string, hour: number, minute = 0): string {
    return local(nextTimeOfDay({ hour, minute }, new Date(now).getTime()));
  }

  it("is today if the time is still to come, else tomorrow", () => {
    expect(next("2026-11-21T01:00:00", 7)).toBe("2026-11-21 07:00");
    expect(next("2026-11-21T07:01:00", 7)).toBe("2026-11-22 07:00");
    expect(next("2026-12-31T23:00:00", 0)).toBe("2027-01-01 00:00");
  });

  it("is now within the very minute, not tomorrow", () => {
    expect(next("2026-11-21T07:00:59.999", 7)).toBe("2026-11-21 07:00");
  });

  it("takes the end of a gap in the clock for a time that is in it", () => {
    vi.stubEnv("TZ", "Europe/Berlin");
    expect(next("2026-03-28T23:00:00", 2, 30)).toBe("2026-03-29 03:30");
    expect(next("2026-03-28T23:00:00", 7)).toBe("2026-03-29 07:00");
  });

  it("takes the first of two", () => {
    vi.stubEnv("TZ", "Europe/Berlin");
    expect(nextTimeOfDay({ hour: 2, minute: 30 }, Date.parse("2026-10-24T22:00:00Z"))).toBe(
      Date.parse("2026-10-25T00:30:00Z"),
    );
  });
});

function local(ms: number): string {
  const date = new Date(ms);
  const two = (number: number): string => String(number).padStart(2, "0");
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${two(date.getHours())}:${two(date.getMinutes())}`;
}
