import type { LogSettings } from "../config/settings.ts";

/** One event of the structured log. */
export interface LogRecord {
  time: Date;
  level: LogSettings["level"];
  message: string;
  fields: Readonly<Record<string, unknown>>;
}

/** A value that logrus writes without quotes. */
const PLAIN = /^[A-Za-z0-9._/@^+-]+$/;

/**
 * Formats one line as the Go registry's logger does, so that what reads its log reads ours.
 *
 * - `text`: `time="…" level=info msg="…" key=value`
 * - `json`: `{"level":"info","msg":"…","time":"…", …}`
 * - `logstash`: `{"@timestamp":"…","@version":"1","level":"info","message":"…", …}`
 *
 * @returns a line without newline
 * @see https://github.com/sirupsen/logrus
 */
export function formatLogRecord(record: LogRecord, formatter: LogSettings["formatter"]): string {
  const level = record.level === "warn" ? "warning" : record.level;
  const time = record.time.toISOString();
  const fields = Object.entries(record.fields).filter(([, value]) => value !== undefined);
  if (formatter === "text") {
    const words = [`time="${time}"`, `level=${level}`, `msg=${textValue(record.message)}`];
    for (const [key, value] of fields) words.push(`${key}=${textValue(value)}`);
    return words.join(" ");
  }
  const own =
    formatter === "json"
      ? { level, msg: record.message, time }
      : { "@timestamp": time, "@version": "1", level, message: record.message };
  // As logrus does: a field of the same name as one of ours gets a prefix.
  const renamed = fields.map(([key, value]) => [key in own ? `fields.${key}` : key, jsonValue(value)]);
  return JSON.stringify({ ...Object.fromEntries(renamed), ...own });
}

function textValue(value: unknown): string {
  const plain = jsonValue(value);
  const text = typeof plain === "string" ? plain : JSON.stringify(plain);
  return PLAIN.test(text) ? text : JSON.stringify(text);
}

function jsonValue(value: unknown): unknown {
  if (value instanceof Error) return value.message;
  return typeof value === "bigint" ? value.toString() : value;
}
