import { describe, expect, it } from "vitest";
import { isInWindow, nextInWindow } from "../../../src/lib/time-window.ts";

const NIGHT = { fromMinute: 22 * 60, toMinute: 6 * 60 };
const NOON = { fromMinute: 12 * 60, toMinute: 13 * 60 };

function at(day: number, hour: number, minute = 0): number {
  return new Date(2026, 0, day, hour, minute).getTime();
}

describe("a window of local times", () => {
  it("has its beginning, and not its end", () => {
    expect([isInWindow(NOON, at(5, 12)), isInWindow(NOON, at(5, 12, 59))]).toEqual([true, true]);
    expect([isInWindow(NOON, at(5, 13)), isInWindow(NOON, at(5, 11, 59))]).toEqual([false, false]);
  });

  it("may reach over midnight", () => {
    const hours = [21, 22, 23, 0, 5, 6, 12];
    expect(hours.map((hour) => isInWindow(NIGHT, at(5, hour)))).toEqual([
      false,
      true,
      true,
      true,
      true,
      false,
      false,
    ]);
  });

  it("tells when it comes next", () => {
    expect(nextInWindow(NIGHT, at(5, 23))).toBe(at(5, 23));
    expect(nextInWindow(NIGHT, at(5, 7))).toBe(at(5, 22));
    expect(nextInWindow(NOON, at(5, 14))).toBe(at(6, 12));
    expect(nextInWindow(NOON, at(5, 3))).toBe(at(5, 12));
  });
});
