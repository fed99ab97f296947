import type { IncomingHttpHeaders } from "node:http";

/** Nobody waits longer for a single answer. */
const MAX_WAIT_MS = 15 * 60_000;

/**
 * Reads how long an answer asks to be left alone. A date counts from the answer's own: clocks differ.
 *
 * @param nowMs - our clock, for an answer without a date of its own
 * @returns milliseconds, at most fifteen minutes; undefined if it does not say
 * @see https://www.rfc-editor.org/rfc/rfc9110#field.retry-after
 */
export function retryAfterOf(headers: IncomingHttpHeaders, nowMs: number): number | undefined {
  const text = headers["retry-after"]?.trim();
  if (text === undefined || text === "") return undefined;
  if (/^\d+$/.test(text)) return Math.min(Number(text) * 1000, MAX_WAIT_MS);
  const until = Date.parse(text);
  if (Number.isNaN(until)) return undefined;
  const from = Date.parse(headers.date ?? "");
  return Math.min(Math.max(until - (Number.isNaN(from) ? nowMs : from), 0), MAX_WAIT_MS);
}
