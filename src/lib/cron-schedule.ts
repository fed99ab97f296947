/** When cron runs something: its five fields, checked. */
export interface CronSchedule {
  /** As cron reads it: minute, hour, day of the month, month, day of the week. */
  text: string;
  /** The same for systemd, any of which counts. */
  calendars: string[];
}

/** One of the five fields. */
interface Field {
  name: string;
  min: number;
  max: number;
  /** Names for numbers, from `min` on. */
  names?: readonly string[];
}

const MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const DAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
const SYSTEMD_DAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];

/** At the most. */
const MONTH_DAYS = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/** Both 0 and 7 are Sunday. @see https://man7.org/linux/man-pages/man5/crontab.5.html */
const FIELDS: readonly Field[] = [
  { name: "minute", min: 0, max: 59 },
  { name: "hour", min: 0, max: 23 },
  { name: "day of the month", min: 1, max: 31 },
  { name: "month", min: 1, max: 12, names: MONTHS },
  { name: "day of the week", min: 0, max: 7, names: DAYS },
];

const SHORTHANDS: Readonly<Record<string, string>> = {
  "@hourly": "0 * * * *",
  "@daily": "0 0 * * *",
  "@midnight": "0 0 * * *",
  "@weekly": "0 0 * * 0",
  "@monthly": "0 0 1 * *",
  "@yearly": "0 0 1 1 *",
  "@annually": "0 0 1 1 *",
};

/**
 * Reads a schedule in the form of crontab(5): five fields with lists, ranges, steps and names, or `@weekly` and the like.
 *
 * @throws {RangeError} with a sentence for people, if it is none
 */
export function parseCronSchedule(text: string): CronSchedule {
  const words = text.trim().split(/\s+/);
  const fields = (SHORTHANDS[words.join(" ").toLowerCase()] ?? words.join(" ")).split(" ");
  if (fields.length !== FIELDS.length || fields.includes("")) {
    throw new RangeError(`a schedule has five fields, such as "5 4 * * 0", not ${JSON.stringify(text)}`);
  }
  const [minutes = [], hours = [], days = [], months = [], weekdays = []] = FIELDS.map((field, index) =>
    valuesOf(fields[index] ?? "", field),
  );
  const time = `${calendarPart(hours, 24)}:${calendarPart(minutes, 60)}:00`;
  const month = calendarPart(months, 12);
  const onDays = `*-${month}-${calendarPart(days, 31)} ${time}`;
  const weekdayNames = [...new Set(weekdays.map((day) => day % 7))].map((day) => SYSTEMD_DAYS[day]);
  const onWeekdays = `${weekdayNames.join(",")} *-${month}-* ${time}`;
  // Where both are restricted, cron runs it on either; a star in front counts as not restricted.
  const hasDays = !fields[2]?.startsWith("*");
  const hasWeekdays = !fields[4]?.startsWith("*");
  if (!hasWeekdays && !months.some((each) => (days[0] ?? 1) <= (MONTH_DAYS[each - 1] ?? 31))) {
    throw new RangeError(`${JSON.stringify(text)} never comes: no such month has that day`);
  }
  const isEveryWeekday = weekdayNames.length === DAYS.length;
  let calendars = [onDays];
  if (hasDays && hasWeekdays) calendars = [onDays, onWeekdays];
  else if (!isEveryWeekday) calendars = [`${weekdayNames.join(",")} ${onDays}`];
  return { text: fields.join(" "), calendars };
}

function valuesOf(text: string, field: Field): number[] {
  const values = new Set<number>();
  for (const part of text.split(",")) {
    const match = /^(\*|\w+(?:-\w+)?)(?:\/(\d{1,2}))?$/.exec(part);
    const [, range = "", stepText] = match ?? [];
    const step = stepText === undefined ? 1 : Number(stepText);
    const [low, high] = range === "*" ? [field.min, field.max] : boundsOf(range, field);
    if (!match || step < 1 || low === undefined || high === undefined || low > high) {
      throw new RangeError(
        `${JSON.stringify(part)} is no ${field.name}, which is from ${field.min} to ${field.max}`,
      );
    }
    for (let value = low; value <= high; value += step) values.add(value);
  }
  return [...values].sort((a, b) => a - b);
}

function boundsOf(range: string, field: Field): [number | undefined, number | undefined] {
  const [low = "", high = low] = range.split("-");
  return [numberOf(low, field), numberOf(high, field)];
}

function numberOf(word: string, { min, max, names = [] }: Field): number | undefined {
  const index = names.indexOf(word.toLowerCase());
  const value = index >= 0 ? index + min : Number(word);
  return /^\d{1,2}$/.test(word) || index >= 0
    ? value >= min && value <= max
      ? value
      : undefined
    : undefined;
}

/** @see https://www.freedesktop.org/software/systemd/man/latest/systemd.time.html#Calendar%20Events */
function calendarPart(values: readonly number[], count: number): string {
  if (values.length === count) return "*";
  return values.map((value) => String(value).padStart(2, "0")).join(",");
}
