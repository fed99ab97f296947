const MINUTE_MS = 60_000;
const DAYS_LOOKED_AHEAD = 3;

/** Local times of the day, in minutes since midnight; the end is not part of it and may lie behind midnight. */
export interface TimeWindow {
  fromMinute: number;
  toMinute: number;
}

/** @param nowMs - milliseconds since 1970 */
export function isInWindow({ fromMinute, toMinute }: TimeWindow, nowMs: number): boolean {
  const date = new Date(nowMs);
  const minute = date.getHours() * 60 + date.getMinutes();
  return fromMinute < toMinute
    ? minute >= fromMinute && minute < toMinute
    : minute >= fromMinute || minute < toMinute;
}

/**
 * @param fromMs - milliseconds since 1970
 * @returns the first moment from `fromMs` on that is in the window; where a change of the clocks leaves its beginning out,
 *   the moment behind the change
 */
export function nextInWindow(window: TimeWindow, fromMs: number): number {
  if (isInWindow(window, fromMs)) return fromMs;
  const from = new Date(fromMs);
  for (let day = 0; day <= DAYS_LOOKED_AHEAD; day++) {
    const [year, month, date] = [from.getFullYear(), from.getMonth(), from.getDate() + day];
    const atMs = new Date(year, month, date, 0, window.fromMinute).getTime();
    if (atMs > fromMs && isInWindow(window, atMs)) return atMs;
  }
  return fromMs + MINUTE_MS;
}
