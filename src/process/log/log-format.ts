import type { LogSettings } from "../../config/settings.ts";
import { maskText, maskValue } from "../../lib/mask-secrets.ts";
import { printableJson } from "../../lib/printable.ts";

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
 * Formats one line as the Go registry's logger does, so that what reads its log reads ours. Secrets are masked here, in
 * one place, whoever logs: by the name of a field and by the form of a text.
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
  const message = maskText(record.message);
  const fields = Object.entries(record.fields)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]): [string, unknown] => [key, maskValue(key, value)]);
  if (formatter === "text") {
    const words = [`time="${time}"`, `level=${level}`, `msg=${textValue(message)}`];
    for (const [key, value] of fields) words.push(`${key}=${textValue(value)}`);
    return words.join(" ");
  }
  const own =
    formatter === "json"
      ? { level, msg: message, time }
      : { "@timestamp": time, "@version": "1", level, message };
  // As logrus does: a field of the same name as one of ours gets a prefix.
  const renamed = fields.map(([key, value]) => [key in own ? `fields.${key}` : key, jsonValue(value)]);
  return printableJson({ ...Object.fromEntries(renamed), ...own });
}

function textValue(value: unknown): string {
  const plain = jsonValue(value);
  const text = typeof plain === "string" ? plain : JSON.stringify(plain);
  return PLAIN.test(text) ? text : printableJson(text);
}

function jsonValue(value: unknown): unknown {
  return typeof value === "bigint" ? value.toString() : value;
}
