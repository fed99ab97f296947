import { InvalidArgumentError } from "commander";
import { parseGoDuration } from "../../config/go-duration.ts";

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

/** @returns how many operations go on at a time */
export function parseConcurrency(text: string): number {
  const count = Number(text);
  if (!/^\d{1,4}$/.test(text) || count < 1) throw new InvalidArgumentError("It is a number from 1 to 9999.");
  return count;
}
