import { rawRequest } from "./raw-http.ts";

/** One answer as it came over the connection. */
export interface RawAnswer {
  status: number;
  /** Status line and header lines. */
  head: string;
  body: string;
}

/** A request whose target is sent as it is written, which no library would do. */
export interface RawOptions {
  method?: string;
  /** Whole header lines, without line ends. */
  headers?: readonly string[];
  body?: string;
}

/** Sends one request on a connection of its own. */
export async function rawAsk(port: number, target: string, options: RawOptions = {}): Promise<RawAnswer> {
  const { method = "GET", headers = [], body } = options;
  const lines = [`${method} ${target} HTTP/1.1`, "Host: r.example", "Connection: close", ...headers];
  if (body !== undefined) lines.push(`Content-Length: ${Buffer.byteLength(body)}`);
  const text = await rawRequest(port, `${lines.join("\r\n")}\r\n\r\n${body ?? ""}`);
  const end = text.indexOf("\r\n\r\n");
  const head = end < 0 ? text : text.slice(0, end);
  const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(head)?.[1] ?? 0);
  return { status, head, body: end < 0 ? "" : text.slice(end + 4) };
}

/** @returns the statuses of all answers that came on one connection; a body need not end with its line */
export function statusesOf(text: string): number[] {
  return [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map((match) => Number(match[1]));
}

const VARIABLE: readonly [RegExp, string][] = [
  [/^Date: .*$/gim, "Date: now"],
  [/_state=[\w%-]+/g, "_state=STATE"],
  [/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, "UUID"],
];

/**
 * @param names - what the request itself named, which may differ between two requests that must not be told apart
 * @returns all of an answer that a client could draw a conclusion from, as one text
 */
export function withoutChance(answer: RawAnswer, names: Readonly<Record<string, string>> = {}): string {
  let text = `${answer.head}\n\n${answer.body}`;
  for (const [pattern, name] of VARIABLE) text = text.replace(pattern, name);
  for (const [name, stand] of Object.entries(names)) text = text.replaceAll(name, stand);
  return text;
}
