import { maskTokens, maskUrls } from "../lib/mask-secrets.ts";

/** What a line of the access log tells. */
export interface AccessRecord {
  clientAddress: string;
  user: string | undefined;
  method: string;
  uri: string;
  httpVersion: string;
  status: number;
  sentBytes: number;
  referer: string | undefined;
  userAgent: string | undefined;
}

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** What would end a field or a line: quotes, backslashes, control characters and line separators. */
const UNSAFE = /["\\\p{Cc}\u2028\u2029]/gu;

/**
 * @returns a line in the Combined Log Format, without newline
 * @see https://httpd.apache.org/docs/2.4/logs.html#combined
 */
export function formatAccessLine(record: AccessRecord, now: Date): string {
  const request = `${record.method} ${escapeField(masked(record.uri))} HTTP/${record.httpVersion}`;
  const size = record.sentBytes === 0 ? "-" : record.sentBytes;
  return (
    `${record.clientAddress || "-"} - ${bare(record.user)} [${timestamp(now)}] "${request}" ${record.status} ${size} ` +
    `"${escapeField(masked(record.referer ?? ""))}" "${escapeField(withoutTokens(record.userAgent ?? ""))}"`
  );
}

/** The state of an upload, and what clients put into URLs that is no business of who reads logs. Most have nothing. */
function masked(url: string): string {
  return withoutTokens(url.includes("?") || url.includes("@") ? maskUrls(url) : url);
}

/** What scripts put into the wrong place. */
function withoutTokens(text: string): string {
  return MAY_HOLD_TOKEN.test(text) ? maskTokens(text) : text;
}

const MAY_HOLD_TOKEN = /eyJ|Bearer|Basic/;

/** What clients send must end neither the field nor the line. */
function escapeField(text: string): string {
  return text.replace(UNSAFE, (character) => {
    if (character === '"' || character === "\\") return `\\${character}`;
    return `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`;
  });
}

function bare(user: string | undefined): string {
  return user ? escapeField(user).replaceAll(" ", "\\x20") : "-";
}

let lastSecond = -1;
let lastTimestamp = "";

/** Made once a second, because a busy server writes tens of thousands of lines in one. */
function timestamp(now: Date): string {
  const second = Math.floor(now.getTime() / 1000);
  if (second !== lastSecond) {
    lastSecond = second;
    const two = (number: number): string => String(number).padStart(2, "0");
    const day = `${two(now.getUTCDate())}/${MONTHS[now.getUTCMonth()]}/${now.getUTCFullYear()}`;
    const time = `${two(now.getUTCHours())}:${two(now.getUTCMinutes())}:${two(now.getUTCSeconds())}`;
    lastTimestamp = `${day}:${time} +0000`;
  }
  return lastTimestamp;
}
