const MINUTE_MS = 60_000;

/** A time on the clock on the wall. */
export interface TimeOfDay {
  hour: number;
  minute: number;
}

/** @returns what `07:00` or `7:00` says, `24:00` for midnight included; undefined if it is no such time */
export function parseTimeOfDay(text: string): TimeOfDay | undefined {
  const match = /^(\d{1,2}):(\d{2})$/.exec(text);
  if (!match) return undefined;
  const [hour, minute] = [Number(match[1]), Number(match[2])];
  if (hour === 24 && minute === 0) return { hour: 0, minute: 0 };
  return hour < 24 && minute < 60 ? { hour, minute } : undefined;
}

/**
 * When the clock shows the time next, in the local time zone. Within that very minute this is its beginning, which is
 * over: somebody who is late by seconds does not mean tomorrow. A time that a change of the clocks leaves out comes as much
 * later as the clock jumps; of one that comes twice, the first is meant.
 *
 * @param nowMs - milliseconds since 1970
 */
export function nextTimeOfDay(time: TimeOfDay, nowMs: number): number {
  for (let day = 0; ; day++) {
    const date = new Date(nowMs);
    const atMs = new Date(
      date.getFullYear(),
      date.getMonth(),
      date.getDate() + day,
      time.hour,
      time.minute,
    ).getTime();
    if (atMs + MINUTE_MS > nowMs) return atMs;
  }
}
