const DAY_LENGTH = "2026-11-21".length;

/**
 * Tells whether the calendar has the day that a time in ISO form begins with: `Date.parse` takes 2026-02-30 for the second of March.
 *
 * @param time - `2026-11-21`, whatever follows
 */
export function isCalendarDay(time: string): boolean {
  const day = time.slice(0, DAY_LENGTH);
  const ms = Date.parse(day);
  return !Number.isNaN(ms) && new Date(ms).toISOString().startsWith(day);
}
