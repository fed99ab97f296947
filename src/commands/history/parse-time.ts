import { InvalidArgumentError } from "commander";
import { isCalendarDay } from "../../lib/calendar-day.ts";
import { parseAge } from "../garbage-collect/parse-flags.ts";

const DATE = /^\d{4}-\d{2}-\d{2}$/;
const DATE_AND_TIME = /^(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?)(Z|[+-]\d{2}:?\d{2})?$/;

/**
 * @param nowMs - milliseconds since 1970
 * @returns when `2026-11-21`, `2026-11-21T16:30` (UTC, unless it says otherwise) or `7d` (so long ago) was
 */
export function parseTime(text: string, nowMs: number): number {
  const parts = DATE_AND_TIME.exec(text);
  if ((parts || DATE.test(text)) && !isCalendarDay(text)) {
    throw new InvalidArgumentError("There is no such day in the calendar.");
  }
  if (DATE.test(text)) return checked(Date.parse(text));
  if (parts) return checked(Date.parse(`${parts[1]}T${parts[2]}${parts[3] ?? "Z"}`));
  try {
    return checked(nowMs - parseAge(text));
  } catch {
    return checked(Number.NaN);
  }
}

function checked(timeMs: number): number {
  // What no calendar has cannot be told either.
  if (Number.isNaN(new Date(timeMs).getTime())) {
    throw new InvalidArgumentError("It is a time such as 2026-11-21T16:30 (UTC), or how long ago: 12h, 7d.");
  }
  return timeMs;
}
