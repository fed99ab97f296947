import { InvalidArgumentError } from "commander";
import { parseGoDuration } from "../../config/go-duration.ts";
import { parseTimeOfDay, type TimeOfDay } from "../../lib/time-of-day.ts";

const DAY_MS = 24 * 3_600_000;

/** @returns milliseconds of `1h30m`, `7d` or `0` */
export function parseAge(text: string): number {
  const days = /^(\d+(?:\.\d+)?)d(.*)$/.exec(text);
  const rest = days ? days[2] || "0" : text;
  const restMs = parseGoDuration(rest);
  if (restMs === undefined || restMs < 0) {
    throw new InvalidArgumentError("It is a time with a unit, such as 90m, 12h or 7d.");
  }
  return Number(days?.[1] ?? 0) * DAY_MS + restMs;
}

/** @returns the number of `30%` or `30` */
export function parsePercent(text: string): number {
  const percent = Number(text.replace(/%$/, ""));
  if (!/^\d+(\.\d+)?%?$/.test(text) || percent > 100) {
    throw new InvalidArgumentError("It is a number of per cent from 0% to 100%.");
  }
  return percent;
}

/** @returns how many deletions a second there may be */
export function parseRate(text: string): number {
  const rate = Number(text);
  if (!/^\d{1,9}(\.\d+)?$/.test(text) || rate <= 0) {
    throw new InvalidArgumentError("It is a number above 0.");
  }
  return rate;
}

/** @returns milliseconds since 1970 */
export function parseTime(text: string): number {
  const ms = Number(text);
  if (!/^\d{1,16}$/.test(text)) throw new InvalidArgumentError("It is a number of milliseconds since 1970.");
  return ms;
}

/** @returns how many operations go on at a time */
export function parseConcurrency(text: string): number {
  const count = Number(text);
  if (!/^\d{1,4}$/.test(text) || count < 1) throw new InvalidArgumentError("It is a number from 1 to 9999.");
  return count;
}

/** @returns the time on the clock that `7:00` says */
export function parseUntil(text: string): TimeOfDay {
  const time = parseTimeOfDay(text);
  if (!time) throw new InvalidArgumentError("It is a time of the day, such as 07:00 or 23:30.");
  return time;
}

/** @returns milliseconds of `90s`, `5m` or, without a unit, of so many seconds */
export function parseTimeout(text: string): number {
  const timeoutMs = /^\d+$/.test(text) ? Number(text) * 1000 : parseGoDuration(text);
  if (timeoutMs === undefined || timeoutMs < 0 || !Number.isSafeInteger(Math.round(timeoutMs))) {
    throw new InvalidArgumentError("It is a time such as 90s or 5m, or a number of seconds.");
  }
  return timeoutMs;
}
